"""A decision about trust: it belongs to a folder as the disk has it, and not to its name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from claude_agent_lsp.base.disk.places import ROOT, is_on_a_disk

if TYPE_CHECKING:
    from claude_agent_lsp.base.disk.places import Place


@dataclass(frozen=True, slots=True)
class Decision:
    """What the user has decided about a folder.

    Attributes:
        path: The real path that it had.
        trusted: Whether it is trusted.
        folder: Its device, inode, owner and time of birth; None if they were not kept.
    """

    path: str
    trusted: bool
    folder: tuple[int, int, int, int | None] | None = None

    @classmethod
    def about(cls, place: Place, *, trusted: bool) -> Decision:
        """Return the decision about a folder that is there."""
        return cls(place.path, trusted, (place.device, place.inode, place.owner, place.born))

    @classmethod
    def read(cls, path: str, value: object) -> Decision | None:
        """Return what is kept for a path; None if it makes no sense."""
        match value:
            case bool():
                return cls(path, value)
            case {
                "trusted": bool(trusted),
                "device": int(device),
                "inode": int(inode),
                "owner": int(owner),
                "born": int() | None as born,
            }:
                return cls(path, trusted, (device, inode, owner, born))
        return None

    def kept(self) -> Any:
        """Return what is kept of it, for `read`."""
        if self.folder is None:
            return self.trusted
        names = ("device", "inode", "owner", "born")
        return {"trusted": self.trusted, **dict(zip(names, self.folder, strict=True))}

    @property
    def owner(self) -> int:
        """Whom the folder belonged to."""
        return ROOT if self.folder is None else self.folder[2]

    def is_about(self, place: Place) -> bool:
        """Return whether it was made about a folder, whatever that is called now."""
        if self.folder is None:
            return False
        device, inode, _, born = self.folder
        # A device may have another number after each start of the system.
        return (inode, born) == (place.inode, place.born) and (
            born is not None or device == place.device
        )

    def may_be_about(self, place: Place) -> bool:
        """Return whether nothing says that what has its path now is another folder.

        Who made it is for the caller to look at: where a folder has no time of birth, and no disk
        of this machine's that keeps its number, its owner is all there is to know it by.
        """
        if self.folder is None:
            return True
        device, inode, _, born = self.folder
        if born is not None or place.born is not None:
            return born == place.born
        return (device, inode) == (place.device, place.inode) or not is_on_a_disk(place.device)
