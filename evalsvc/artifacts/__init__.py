"""Transcripts: every sample with its text and verdict, as zstd Parquet in an fsspec store.

The worker writes them; the store and the API read them. The artifact store holds nothing else.
"""

from evalsvc.artifacts.reading import SamplePage
from evalsvc.artifacts.schema import TranscriptRow
from evalsvc.artifacts.store import ArtifactStore, StoredFile
from evalsvc.artifacts.writing import Written

__all__ = ["ArtifactStore", "SamplePage", "StoredFile", "TranscriptRow", "Written"]
