"""The worker: engines that generate completions, and verification that runs next to them.

Light to import: the dispatcher imports `protocol` and `config` without torch or an engine.
"""
