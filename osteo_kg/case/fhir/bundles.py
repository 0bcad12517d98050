"""Whose resource is it? Resources of bundles, NDJSON and single ones, gathered by patient.

A resource is known by where it comes from: the URL of its entry, or its server, type and id. Equal ids of two servers
are two resources; of the versions of one resource the newest counts, none where that deletes it (the reading, R14).
"""

from __future__ import annotations

import itertools
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from osteo_kg.case.fhir.elements import each, first, instant, is_partial, is_resource, something_at, text, version_of

Resource = dict[str, Any]
Kind = TypeVar("Kind")
_SUBJECTS = ("subject", "patient", "beneficiary", "for", "individual")
#: Types of resources that tell of somebody else than their patient.
ABOUT_OTHERS = ("FamilyMemberHistory", "RelatedPerson", "Person", "Group")
#: Types that are read where another resource refers to them.
REFERRED_TO = ("Medication", "Patient", "Practitioner", "PractitionerRole", "Organization", "Location", "Specimen")
_DATE = ("effective", "issued")
_NO_PLACE = "urn:"
#: Where a panel and a report name their results.
_MEMBERS = ("hasMember", "result")
_URL_OF_A_RESOURCE = re.compile(r"(?P<server>https?://.+?)/(?P<name>[A-Z][A-Za-z]+/[A-Za-z0-9\-.]+)(/_history/.+)?")


@dataclass
class Gathered:
    """The resources of one patient, in the order of the input.

    Attributes:
        patient: her Patient resource.
        url: the URL of its entry in a bundle.
        resources: those that name her.
        dropped: resources of hers that were deleted, or replaced by a newer version, with whether they were deleted.
        shares_id: whether another patient of the input, of another server, has the same id.
        urls: the URLs of the entries of her resources that are no places on a server.
    """

    patient: Resource
    url: str = ""
    resources: list[Resource] = field(default_factory=list)
    dropped: list[tuple[Resource, bool]] = field(default_factory=list)
    shares_id: bool = False
    urls: set[str] = field(default_factory=set)


@dataclass(frozen=True)
class Input:
    """What one input holds.

    Attributes:
        patients: each patient with her resources.
        unassigned: the resources that belong to no patient of the input.
        medications: the Medication resources, by every way to refer to them.
        unreadable: where something stands that is no resource.
        cut: for each Bundle that goes on elsewhere the types of what it holds, and of what an entry changes unread.
    """

    patients: tuple[Gathered, ...]
    unassigned: tuple[Resource, ...]
    medications: Mapping[str, Resource]
    unreadable: tuple[str, ...] = ()
    cut: tuple[frozenset[str], ...] = ()


@dataclass(frozen=True)
class Entry:
    """A resource, or the deletion of one, as an input gives it.

    Attributes:
        resource: the resource; None where it is deleted.
        url: the URL of its entry; empty where it has none.
        name: its type and id; empty without an id.
        age: what orders its versions: the moment of the change, the number of the version, and how early it stands in
            a history, which gives the newest first.
    """

    resource: Resource | None
    url: str
    name: str
    age: tuple[str, int, int] | None = None

    @property
    def server(self) -> str:
        """The server that it comes from; empty where its entry does not say."""
        return _server(self.url)

    @property
    def origin(self) -> str:
        """What tells it from others of its name: its server, or a URL of an entry that is no place on one."""
        return self.server or (self.url if self.url.startswith(_NO_PLACE) else "")

    @property
    def key(self) -> str:
        """What identifies it among the resources of an input; empty where nothing does."""
        return f"{self.origin}/{self.name}" if self.name else self.url


def gather(documents: Iterable[Any]) -> Input:
    """Gather the resources of documents by patient."""
    unreadable: list[str] = []
    cut: list[Resource] = []
    entries, older = _newest([entry for document in documents for entry in _entries(document, unreadable, cut)])
    people: list[Gathered] = []
    patients, medications = _Table[Gathered](), _Table[Resource]()
    others: list[Entry] = []
    for entry in entries:
        resource = entry.resource
        assert resource is not None  # a deletion is no entry that counts
        if resource["resourceType"] == "Patient":
            _add_patient(entry, resource, patients, people)
        elif resource["resourceType"] == "Medication":
            medications.add(entry, resource)
        else:
            others.append(entry)
    _tell_apart(people)
    owners = _owners_by_panel(others, patients)
    unassigned = []
    for entry in others:
        if (owner := _owner(entry, patients) or owners.get(id(entry.resource))) is None:
            unassigned.append(_some(entry))
        else:
            owner.resources += [_some(entry), *_contained(_some(entry), patients, owner)]
            owner.urls |= {entry.url} if entry.url.startswith(_NO_PLACE) else set()
    for entry, deleted in older:
        if (owner := _owner(entry, patients)) is not None:
            owner.dropped.append((_some(entry), deleted))
    return Input(tuple(people), tuple(unassigned), medications, tuple(unreadable), tuple(_types(each) for each in cut))


def _owner(entry: Entry, patients: _Table[Gathered]) -> Gathered | None:
    subject = subject_of(_some(entry))
    return patients.find(subject, entry.server) if subject else None


def _some(entry: Entry) -> Resource:
    return entry.resource or {}


def _types(document: Resource) -> frozenset[str]:
    return frozenset(each(document, "entry", "resource", "resourceType"))


def _contained(resource: Resource, patients: _Table[Gathered], owner: Gathered) -> Iterator[Resource]:
    """Give the resources inside one that are its patient's, with its date where they have none."""
    if text(resource, "status") == "entered-in-error" or resource["resourceType"] in ABOUT_OTHERS:
        return
    for found in each(resource, "contained"):
        if not isinstance(found, dict) or not isinstance(found.get("resourceType"), str):
            continue
        named = patients.find(subject_of(found)) if subject_of(found) else owner
        if named is owner and found["resourceType"] not in REFERRED_TO:
            is_dated = any(key.startswith(_DATE) for key in found)
            dates = {} if is_dated else {key: value for key, value in resource.items() if key.startswith(_DATE)}
            yield dates | found


def _add_patient(entry: Entry, resource: Resource, patients: _Table[Gathered], people: list[Gathered]) -> None:
    """Add a patient; one who stands in the input again is the same, and her second resource is one of hers."""
    known = patients.same(entry)
    if known is not None:
        known.resources.append(resource)
        return
    person = Gathered(resource, entry.url)
    people.append(person)
    patients.add(entry, person)


def _tell_apart(people: list[Gathered]) -> None:
    """Mark patients of several servers who have one id."""
    ids: dict[str, list[Gathered]] = defaultdict(list)
    for person in people:
        ids[text(person.patient, "id")].append(person)
    for own, sharing in ids.items():
        for person in sharing if own and len(sharing) > 1 else ():
            person.shares_id = True


def _owners_by_panel(entries: list[Entry], patients: _Table[Gathered]) -> dict[int, Gathered]:
    """Give the patients of results that name none, by the panels and reports that name them."""
    nameless = _Table[Resource]()
    for entry in entries:
        if not subject_of(_some(entry)):
            nameless.add(entry, _some(entry))
    found = {}
    for entry in entries:
        for reference in (found for key in _MEMBERS for found in each(entry.resource, key, "reference")):
            owner = _owner(entry, patients)
            member = nameless.find(f"{reference}", entry.server)
            if owner is not None and member is not None:
                found[id(member)] = owner
    return found


def subject_of(resource: Resource) -> str:
    """Give the reference to the patient of a resource, as written; empty where there is none."""
    return next((found for key in _SUBJECTS if (found := text(resource, key, "reference"))), "")


def kinship(name: str) -> str:
    """Give what a name of a resource has in common with every reference that names it.

    >>> kinship("Patient/1") == kinship("https://hospital.example/fhir/Patient/1/_history/2")
    True
    """
    return _bare(name) if name else ""


def names_of(resource: Resource) -> list[str]:
    """Give the name of a resource, its type and id; none without an id."""
    own = text(resource, "id")
    return [f"{resource['resourceType']}/{own}"] if own else []


# From documents to entries.


def _entries(
    document: Any, unreadable: list[str], cut: list[Resource], url: str = "", where: str = "resource"
) -> Iterator[Entry]:
    """Give every resource of a document, of bundles and parameters in it too; note what is none, and what goes on."""
    if not is_resource(document):
        unreadable.append(where)
    elif document["resourceType"] == "Bundle":
        if is_partial(document):
            cut.append(document)
        for number, entry in enumerate(each(document, "entry"), 1):
            yield from _of_entry(entry, document, number, unreadable, cut)
        cut += _kept_elsewhere(document)
    elif document["resourceType"] == "Parameters":
        for number, part in enumerate(_parts(document, "parameter"), 1):
            yield from _entries(part, unreadable, cut, "", f"parameter {number}")
    else:
        yield Entry(document, url, "".join(names_of(document)))


def _of_entry(entry: Any, bundle: Resource, number: int, unreadable: list[str], cut: list[Resource]) -> Iterator[Entry]:
    answered = text(entry, "response", "lastModified")
    moment = instant(answered or text(bundle, "timestamp") or text(bundle, "meta", "lastUpdated"))
    place = -number if text(bundle, "type") == "history" else 0
    url = text(entry, "fullUrl")
    method, asked = text(entry, "request", "method"), text(entry, "request", "url") or url
    if method == "PATCH" or (method == "DELETE" and "?" in asked):
        cut.append(something_at(asked))
    elif method == "DELETE":
        yield Entry(None, url or (asked if "://" in asked else ""), _bare(asked), (moment, 0, place))
    elif not _says_no_resource(entry):
        if not is_resource(first(entry, "resource")):
            cut.append(something_at(url))
        for found in _entries(first(entry, "resource"), unreadable, cut, url, f"entry {number}"):
            changed = instant(text(found.resource, "meta", "lastUpdated") or answered)
            version = version_of(text(found.resource, "meta", "versionId"), text(entry, "response", "etag"), url)
            yield replace(found, age=(changed, version, place) if changed or version or place else None)


def _kept_elsewhere(bundle: Resource) -> list[Resource]:
    """Give what a server says that it keeps and does not give, one of each type."""
    answers = (entry for entry in each(bundle, "entry") if _says_no_resource(entry))
    places = [place for entry in answers if (place := text(entry, "response", "location"))]
    found = (found for found in each(bundle, "entry", "resource") if places and is_resource(found))
    here = {name for resource in found for name in names_of(resource)}
    return list(
        {place.partition("/")[0]: something_at(place) for p in places if (place := _bare(p)) not in here}.values()
    )


def _parts(node: Any, key: str) -> Iterator[Any]:
    """Give the resources of parameters and of their parts."""
    for part in each(node, key):
        if isinstance(part, dict):
            yield from (each(part, "resource"))
            yield from _parts(part, "part")


def _says_no_resource(entry: Any) -> bool:
    """Whether an entry has no resource by right: it is what was asked, or answered."""
    return isinstance(entry, dict) and "resource" not in entry and not entry.keys().isdisjoint(("request", "response"))


def _newest(entries: list[Entry]) -> tuple[list[Entry], list[tuple[Entry, bool]]]:
    """Keep the newest version of each resource; give what is left out with whether it was deleted.

    Resources that nothing orders are all kept: they may say different things, and each of them counts.
    """
    deletions: dict[str, list[Entry]] = defaultdict(list)
    versions: dict[str, list[Entry]] = defaultdict(list)
    for entry in entries:
        if entry.resource is None:
            for name in {entry.name, entry.url} - {""}:
                deletions[name].append(entry)
        elif entry.key:
            versions[entry.key].append(entry)
    kept, left = [], []
    for entry in entries:
        if entry.resource is None:
            continue
        named = (*deletions.get(entry.name, ()), *deletions.get(entry.url, ()))
        if any(_is_deleted_by(entry, deletion) for deletion in named):
            left.append((entry, True))
        elif any(_repeats(entry, other) for other in _before_it(entry, versions)):
            continue
        elif any(_is_older(entry, other) for other in versions.get(entry.key, ())):
            left.append((entry, False))
        else:
            kept.append(entry)
    return kept, left


def _before_it(entry: Entry, versions: Mapping[str, list[Entry]]) -> Iterator[Entry]:
    """Give the entries of the same resource that stand before one."""
    return itertools.takewhile(lambda other: other is not entry, versions.get(entry.key, ()))


def _repeats(entry: Entry, other: Entry) -> bool:
    """Whether an entry is another one over again, but for what the server says of it; a second patient is told of."""
    one, its = ({key: value for key, value in _some(each).items() if key != "meta"} for each in (entry, other))
    return one == its and one["resourceType"] != "Patient"


def _is_older(entry: Entry, other: Entry) -> bool:
    return entry.age is not None and other.age is not None and _before(entry.age, other.age)


def _is_deleted_by(entry: Entry, deletion: Entry) -> bool:
    """Whether a deletion is of a resource, and no older than it as far as both say when they were."""
    if deletion.url.startswith(_NO_PLACE) and deletion.url == entry.url:
        return True
    if not entry.name or entry.name != deletion.name or (deletion.server and entry.server not in ("", deletion.server)):
        return False
    return entry.age is None or deletion.age is None or not _before(deletion.age, entry.age)


def _before(one: tuple[str, int, int], other: tuple[str, int, int]) -> bool:
    """Whether a version is older than another, by the first of moment, number and place in which they differ."""
    (moment, *mine), (its_moment, *its) = one, other
    if moment and its_moment and moment != its_moment:
        return moment < its_moment
    return next((a < b for a, b in zip(mine, its, strict=True) if a and b and a != b), False)


# From references to resources.


class _Table(dict[str, Kind]):
    """Things by the URL of their entry, and by type, id and server."""

    def __init__(self) -> None:
        super().__init__()
        self._named: dict[str, dict[str, Kind]] = defaultdict(dict)

    def add(self, entry: Entry, thing: Kind) -> None:
        """Add a thing under the names of its entry."""
        if entry.url:
            self[entry.url] = thing
        if entry.name:
            self._named[entry.name][entry.origin] = thing

    def same(self, entry: Entry) -> Kind | None:
        """Give what has the name of an entry already."""
        return self._named.get(entry.name, {}).get(entry.origin) if entry.name else self.get(entry.url)

    def find(self, reference: str, server: str = "") -> Kind | None:
        """Give what a reference names in an entry of a server; None where that cannot be told."""
        whole, bare = reference.partition("/_history/")[0], _bare(reference)
        if ":" in whole and whole in self:
            return self[whole]
        servers = self._named.get(bare, {})
        wanted = _server(whole) or server
        if wanted in servers:
            return servers[wanted]
        if wanted:  # a resource of which nothing says where it comes from may be the one
            servers = {origin: thing for origin, thing in servers.items() if not origin or origin.startswith(_NO_PLACE)}
        return next(iter(servers.values())) if len(servers) == 1 else None


def _server(url: str) -> str:
    found = _URL_OF_A_RESOURCE.fullmatch(url)
    return found["server"] if found else ""


def _bare(reference: str) -> str:
    """Give a reference by type and id alone."""
    return "/".join(reference.partition("/_history/")[0].rsplit("/", 2)[-2:])


def resolved(reference: str, table: Mapping[str, Resource]) -> Resource | None:
    """Give the resource that a reference names."""
    if isinstance(table, _Table):
        return table.find(reference)
    spellings = (reference, reference.partition("/_history/")[0], _bare(reference))
    return next((table[name] for name in spellings if name in table), None)
