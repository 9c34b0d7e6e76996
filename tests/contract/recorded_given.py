"""A transcript of a submitter's, whose bytes are stored in `recorded/documents/given.json`."""

from clipmill.contracts.documents import EngineFacts, Segment, Transcript

GIVEN = Transcript(
    language="",
    duration=5.0,
    segments=(Segment(text="Der Teig ruht.", start=4.25, end=5.0, speaker="Ada"),),
    engine=EngineFacts(name="given", model="", device="", compute_type="", word_times="file"),
)
