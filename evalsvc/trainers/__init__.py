"""What runs inside or next to a training: the hooks, the watcher and A-GRAE.

These modules run in the trainer's environment. They import `evalsvc.client`,
`evalsvc.checkpoints` and `evalsvc.specs`; a trainer's own library only in that trainer's hook.
"""
