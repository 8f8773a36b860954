"""What can go wrong, named for what the reader must do. Each message is one line: the thing, the place, the next step."""


class MailhouseError(Exception):
    """The root of every error a user may meet; printed as one line, with a traceback only under `--debug`.

    Messages name connections, resources, fields and ids, never an address, a name, a phone number or a secret.
    """


class ConfigurationError(MailhouseError):
    """A setting, a connection, a `meta` key or an argument says something that cannot be meant."""


class CredentialsMissing(ConfigurationError):
    """A connection needs a secret that neither the environment nor the sandbox gives."""


class CredentialsRejected(MailhouseError):
    """A vendor does not accept our credentials; trying again will not help."""


class NotAllowed(CredentialsRejected):
    """A vendor knows our credentials and does not let them do this one thing."""


class VendorUnreachable(MailhouseError):
    """A vendor did not answer within the bounded number of attempts."""


class MalformedAnswer(MailhouseError):
    """A vendor answered something that is not what its API promises; nothing of it was taken."""


class FieldDoesNotFit(MailhouseError):
    """A value of a declared field is not of the declared type; the source stops and its cursor stays."""


class OrdersFileRefused(MailhouseError):
    """An orders file cannot be taken as it is."""


class WarehouseBusy(MailhouseError):
    """Another process holds the warehouse file."""


class WarehouseMissing(MailhouseError):
    """There is no warehouse, or no published copy of it, where one was expected."""


class EncryptionUnavailable(MailhouseError):
    """A key is set and the engine cannot write encrypted: nothing is written, rather than a plain file."""


class WarehouseLocked(MailhouseError):
    """The warehouse is encrypted with another key, or with none, or the key that it needs is not set."""


class SnowflakeRefused(MailhouseError):
    """Snowflake cannot be reached, lacks something or does not allow it; what was under way is not done there."""


class ElsewhereKept(MailhouseError):
    """What a command works on is kept in Snowflake, where it cannot work on it; nothing was done."""


class StateUnreadable(MailhouseError):
    """A small file of the work directory (leases, pauses) cannot be read or written; what it guards does not happen."""


class ActRefused(MailhouseError):
    """An act of consent that cannot be taken as it is: a grant that nothing proves, or an act that says nothing."""


class ConsentUnavailable(MailhouseError):
    """Who may be written to cannot be decided just now; whoever asks must send nothing."""


class BackupRefused(MailhouseError):
    """A backup cannot be made, or is damaged, foreign or newer and is not restored; everything is as it was."""


class LeaseHeld(MailhouseError):
    """Another run holds what this one needs; it says who, since when, and that one can wait."""


class LeaseLost(MailhouseError):
    """A later run has taken over what this one held: nothing more may be written in its name."""


class BuildFailed(MailhouseError):
    """dbt could not parse the project, or a model or a test of it failed."""


class SyncRefused(MailhouseError):
    """The reverse sync will not send: something it must be sure of is missing, stale or contradictory."""


class RecordsRefused(MailhouseError):
    """A file of person records, or of weights to score them with, cannot be taken as it is."""
