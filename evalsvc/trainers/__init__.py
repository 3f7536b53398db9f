"""What runs inside or beside a training: the client, the hooks, the watcher and A-GRAE.

These modules live in the trainer's environment. They import the HTTP client, `evalsvc.checkpoints`
and `evalsvc.specs`; a trainer's own library only where that trainer's hook is used.
"""
