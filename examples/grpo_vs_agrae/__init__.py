"""GRPO against A-GRAE, really trained: a tiny model, the CPU, some minutes."""
