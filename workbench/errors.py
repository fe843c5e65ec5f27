"""Errors meant for the person at the keyboard."""


class WorkbenchError(Exception):
    """Something a user can mend: the message is one plain line naming the file or key and what to do.

    The command line prints the message without a traceback; the app shows it in a toast.
    """


class Interrupted(WorkbenchError):
    """Training was asked to stop; its checkpoint is written."""

    def __init__(self, message: str, exit_status: int):
        super().__init__(message)
        self.exit_status = exit_status


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error says that the memory does not suffice, of whatever device. No torch is imported for that.

    On a CPU torch raises a RuntimeError like any other, which nothing but its words tells.
    """
    return (
        isinstance(error, MemoryError)
        or type(error).__name__ == "OutOfMemoryError"  # torch's, of a GPU
        or "DefaultCPUAllocator: can't allocate" in str(error)
    )
