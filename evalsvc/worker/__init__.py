"""The worker: engines that sample, verification beside them, one result per shard.

Light at import time: the dispatcher imports `protocol` and `config` without torch or an engine.
"""
