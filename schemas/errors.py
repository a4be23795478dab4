"""The one family of errors a user may see.

Messages say where, which part, what was expected with an example, and how to fix it. They never
carry a value of a record: messages end up in logs, and logs are read by people who may not see
accounts. Anything else that is raised is our own fault.
"""


class YrdError(Exception):
    """A fault the user or operator can act on; `exit_code` is what the command line returns."""

    exit_code = 2


class ConfigurationError(YrdError):
    """A spec, setting or reference table is wrong; the message names file, field and cure."""


class InputError(YrdError):
    """An input (file, tape, query, id) cannot be used as given."""


class PrerequisiteError(YrdError):
    """The machine lacks something a command needs (Java, Maven, a browser, the trial data)."""

    exit_code = 3
