"""Demo checkpoints: real, tiny models whose scores on the smoke benchmark mean something.

`python -m evalsvc.demo --out DIR` trains one small Llama and keeps it at several steps, so that a
first evaluation on a laptop has a training curve to show. Needs torch and transformers.
"""
