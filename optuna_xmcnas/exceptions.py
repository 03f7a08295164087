"""Everything this package raises on purpose.

::

    XmcNasError
    ├── InvalidGenomeError (ValueError)         a genome breaks the rules of its space
    ├── DataError (ValueError)                  a file or folder of data cannot be used
    ├── ConfigMismatchError (ValueError)        a study was made with other settings
    ├── CheckpointError (ValueError)            a saved child is damaged or foreign
    ├── ModelError (ValueError)                 a model folder is damaged or foreign
    ├── MissingExtraError (ImportError)         an optional package is not installed
    ├── ExportError (RuntimeError)              a model cannot be written for other programs
    ├── BaselineError (RuntimeError)            a baseline could not be trained
    ├── StorageError (RuntimeError)             the storage of a study cannot be used
    ├── SearchFailedError (RuntimeError)        too many children failed one after another
    └── ChildFailedError (RuntimeError)         one child could not be trained
        ├── NonFiniteLossError                  its loss became infinite or not a number
        └── ChildOutOfMemoryError               it did not fit into memory

Each also inherits the built-in error in brackets.
"""

from __future__ import annotations


__all__ = [
    "BaselineError",
    "CheckpointError",
    "ChildFailedError",
    "ChildInterruptedError",
    "ChildOutOfMemoryError",
    "ConfigMismatchError",
    "DataError",
    "ExportError",
    "InvalidGenomeError",
    "MissingExtraError",
    "ModelError",
    "NonFiniteLossError",
    "SearchFailedError",
    "StorageError",
    "XmcNasError",
]


class XmcNasError(Exception):
    """The root: catch it to catch everything that this package raises on purpose."""


class InvalidGenomeError(XmcNasError, ValueError):
    """A genome, or the parameters that should describe one, breaks the rules of its space."""


class DataError(XmcNasError, ValueError):
    """A file or folder of data cannot be used; the message names the file and the line."""


class ConfigMismatchError(XmcNasError, ValueError):
    """A study was made with other settings than the ones it is asked to go on with."""


class CheckpointError(XmcNasError, ValueError):
    """A file that should hold a saved child is damaged, foreign or of another format version."""


class ModelError(XmcNasError, ValueError):
    """A folder that should hold a model is damaged, foreign or of another format version."""


class MissingExtraError(XmcNasError, ImportError):
    """Something wants a package that is not installed; the message says how to install it."""


class BaselineError(XmcNasError, RuntimeError):
    """A baseline that children are compared with could not be trained."""


class ExportError(XmcNasError, RuntimeError):
    """A model cannot be written for other programs, or what was written does not do the same."""


class StorageError(XmcNasError, RuntimeError):
    """The storage of a study cannot be reached or used; the message hides passwords."""


class SearchFailedError(XmcNasError, RuntimeError):
    """Too many children failed one after another; the message names the last reason."""


class ChildInterruptedError(XmcNasError, RuntimeError):
    """The training of a child was told to stop; it goes on from its checkpoint, if it has one."""


class ChildFailedError(XmcNasError, RuntimeError):
    """One child could not be trained; the search goes on without it."""


class NonFiniteLossError(ChildFailedError):
    """The loss of a child became infinite or not a number."""


class ChildOutOfMemoryError(ChildFailedError):
    """A child did not fit into the memory of its device."""
