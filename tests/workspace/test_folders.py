from __future__ import annotations

from pathlib import Path

import pytest

from claude_agent_lsp.errors import InvalidArgument, WorkspaceNotFound
from claude_agent_lsp.workspace import Folder, Folders, uri_of


def directory(path: Path) -> Folder:
    path.mkdir(parents=True, exist_ok=True)
    return Folder.parse(uri_of(path))


def test_a_folder_keeps_its_spelling_and_is_named_after_its_path() -> None:
    folder = Folder.parse("file:///work/my%20app/")
    assert folder == Folder("file:///work/my%20app/", Path("/work/my app"), "my app")
    assert Folder.parse("file:///").name == "/"
    assert Folder.parse("file:///a", "b").name == "b"


def test_folders_stay_in_the_order_of_the_editor() -> None:
    a, b, c = (Folder.parse(f"file:///{name}") for name in "abc")
    folders = Folders([b, a])
    folders.add(c)
    assert list(folders) == [b, a, c]
    folders.replace([c, a])
    assert list(folders) == [c, a]
    assert len(folders) == 2


def test_adding_an_open_folder_again_renames_it_in_its_place() -> None:
    folders = Folders([Folder.parse("file:///a"), Folder.parse("file:///b")])
    again = Folder.parse("file:///a/", "new name")
    folders.add(again)
    assert list(folders) == [again, Folder.parse("file:///b")]


def test_removing_ignores_the_spelling_and_folders_that_are_not_open() -> None:
    folders = Folders([Folder.parse("file:///a%20a"), Folder.parse("file:///b")])
    folders.remove("file:///c")
    folders.remove("untitled:x")
    folders.remove("file:///a a/")
    assert [folder.name for folder in folders] == ["b"]


def test_very_many_are_opened_and_closed_at_once() -> None:
    """Each by itself would be compared with all the others, and the editor kept waiting."""
    many = [Folder.parse(f"file:///many/{number}") for number in range(20_000)]
    folders = Folders()
    folders.add(*many, many[0])
    assert list(folders) == many
    folders.remove("untitled:x", *(f"{folder.uri}/" for folder in many[1:]))
    assert list(folders) == many[:1]


def test_the_innermost_folder_holds_a_path(tmp_path: Path) -> None:
    outer, inner = directory(tmp_path), directory(tmp_path / "a" / "b")
    folders = Folders([outer, inner])
    assert folders.holding(inner.path / "new" / "file") == inner
    assert folders.holding(inner.path) == inner
    assert folders.holding(tmp_path / "a") == outer
    assert folders.holding(tmp_path.parent) is None


def test_a_longer_name_is_no_subfolder(tmp_path: Path) -> None:
    folders = Folders([directory(tmp_path / "b")])
    assert folders.holding(tmp_path / "bc" / "file") is None
    assert folders.holding(tmp_path / "b" / ".." / "c") is None


def test_symbolic_links_to_a_folder_are_the_folder(tmp_path: Path) -> None:
    real = directory(tmp_path / "real")
    (tmp_path / "link").symlink_to(real.path)
    link = Folder.parse(uri_of(tmp_path / "link"))
    assert Folders([real]).holding(link.path / "file") == real
    assert Folders([link]).holding(real.path / "file") == link
    assert Folders([link]).choose(real.uri, None) == link


def test_of_two_spellings_of_one_folder_the_one_used_is_taken(tmp_path: Path) -> None:
    real = directory(tmp_path / "real")
    (tmp_path / "link").symlink_to(real.path)
    link = Folder.parse(uri_of(tmp_path / "link"))
    for folders in (Folders([real, link]), Folders([link, real])):
        for folder in (real, link):
            assert folders.holding(folder.path / "file") == folder
            assert folders.choose(folder.uri, None) == folder


def test_a_loop_of_links_is_held_by_its_folder(tmp_path: Path) -> None:
    folder = directory(tmp_path)
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    assert Folders([folder]).holding(tmp_path / "loop") == folder


def test_a_query_works_in_the_workspace_it_names_in_any_spelling(tmp_path: Path) -> None:
    a, b = directory(tmp_path / "a b"), directory(tmp_path / "b")
    folders = Folders([a, b])
    inside_b = uri_of(b.path / "file")
    for spelling in (a.uri, f"{a.uri}/", a.uri.replace("%20", " "), a.uri.replace("a", "%61")):
        assert folders.choose(spelling, inside_b) == a
    assert folders.choose(a.uri.replace("file://", "file://localhost"), None) == a


def test_a_workspace_that_is_not_open_is_named_beside_those_that_are(tmp_path: Path) -> None:
    a, b = directory(tmp_path / "a"), directory(tmp_path / "b")
    subfolder = directory(a.path / "sub")
    for other in (subfolder.uri, uri_of(tmp_path), "file:///nowhere"):
        with pytest.raises(WorkspaceNotFound) as caught:
            Folders([a, b]).choose(other, None)
        assert str(caught.value) == (
            f"{other} is not open in the editor. Open folders: {a.uri}, {b.uri}."
        )


def test_a_workspace_is_not_open_where_none_is() -> None:
    with pytest.raises(WorkspaceNotFound, match=r"not open in the editor\. No folder is open\."):
        Folders().choose("file:///a", None)


@pytest.mark.parametrize("uri", ["", "a", "http://a/b", "file:///%00"])
def test_a_bad_workspace_uri_is_an_invalid_argument_that_names_the_field(uri: str) -> None:
    with pytest.raises(InvalidArgument, match=r"^workspace: expected .*file: URI"):
        Folders().choose(uri, None)


def test_a_query_works_in_the_folder_of_its_document(tmp_path: Path) -> None:
    a, b = directory(tmp_path / "a"), directory(tmp_path / "b")
    assert Folders([a, b]).choose(None, uri_of(b.path / "new" / "file.py")) == b


def test_a_link_in_a_folder_to_a_file_outside_is_a_document_of_the_folder(tmp_path: Path) -> None:
    a, b = directory(tmp_path / "a"), directory(tmp_path / "b")
    (tmp_path / "outside.py").touch()
    (b.path / "link.py").symlink_to(tmp_path / "outside.py")
    folders = Folders([a, b])
    assert folders.choose(None, uri_of(b.path / "link.py")) == b
    assert folders.holding(b.path / "link.py") is None


@pytest.mark.parametrize("document", [None, "untitled:Untitled-1", "file:///elsewhere/x.py"])
def test_without_a_hint_it_works_in_the_only_folder(tmp_path: Path, document: str | None) -> None:
    folder = directory(tmp_path)
    assert Folders([folder]).choose(None, document) == folder


@pytest.mark.parametrize("document", [None, "untitled:Untitled-1", "file:///elsewhere/x.py"])
def test_several_folders_without_a_hint_are_listed(tmp_path: Path, document: str | None) -> None:
    a, b = directory(tmp_path / "a"), directory(tmp_path / "b")
    with pytest.raises(WorkspaceNotFound) as caught:
        Folders([a, b]).choose(None, document)
    assert f"Open folders: {a.uri}, {b.uri}." in str(caught.value)
    assert "`workspace`" in caught.value.hint


def test_without_any_folder_the_hint_says_to_open_one() -> None:
    with pytest.raises(WorkspaceNotFound, match=r"No folder is open") as caught:
        Folders().choose(None, "file:///a/b.py")
    assert "Open a folder" in caught.value.hint


def test_an_open_folder_must_be_a_directory_on_disk(tmp_path: Path) -> None:
    gone = Folder.parse(uri_of(tmp_path / "gone"))
    (tmp_path / "file").touch()
    file = Folder.parse(uri_of(tmp_path / "file"))
    too_long = Folder.parse(uri_of(tmp_path / ("x" * 5000)))
    for folder in (gone, file, too_long):
        folders = Folders([folder])
        for workspace in (folder.uri, None):
            with pytest.raises(WorkspaceNotFound, match="not a directory on disk"):
                folders.check(folders.choose(workspace, None))
