"""The subject that a job asks for, and the one that it excludes, in the words of its submitter."""

from clipmill.contracts.options import JobOptions
from msgspec import Struct


class Subject(Struct, frozen=True):
    """The subject of a job.

    Attributes:
        about: Description of what clips should be about, in one line; empty for any subject.
        exclude: Description of what no clip may be about, in one line; empty for none.
    """

    about: str = ""
    exclude: str = ""

    @classmethod
    def of(cls, options: JobOptions) -> "Subject":
        """Return the subject in `options`, without line breaks and double blanks."""
        return cls(" ".join(options.about.split()), " ".join(options.exclude.split()))

    @property
    def named(self) -> bool:
        """True if there is a subject to look for or to avoid."""
        return bool(self.about or self.exclude)
