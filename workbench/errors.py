"""Errors meant for the person at the keyboard."""


class WorkbenchError(Exception):
    """Something a user can mend: the message is one plain line naming the file or key and what to do.

    The command line prints the message without a traceback; the app shows it in a toast.
    """
