"""The house rules that a program can check: layers, READMEs, header contracts, sizes."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SRC = ROOT / "src"
README_LINES_MAX = 40
CONTRACT_LINES = 40
FILE_LINES_MAX = 700
FUNCTION_LINES_MAX = 80
CONTRACT_TAGS = ("Owns:", "Threads:", "Fails:", "Durable:", "Shapes:", "Source:")
LONG_FUNCTIONS = Path(__file__).with_name("long_functions.txt")

SOURCES = sorted([*SRC.rglob("*.h"), *SRC.rglob("*.cpp")])
HEADERS = [path for path in SOURCES if path.suffix == ".h"]
FOLDERS = sorted({path.parent for path in SOURCES})


def name_of(path):
    return str(path.relative_to(ROOT))


def layers():
    lines = (SRC / "LAYERS").read_text().splitlines()
    return [line.strip() for line in lines if line.strip() and not line.startswith("#")]


def include_problems(order, file, text):
    """What is wrong with the includes of src/<file>, given the folders from bottom to top."""
    problems = []
    own = file.split("/")[0]
    if own not in order:
        return [f"src/{file}: the folder {own} is not in src/LAYERS"]
    for number, line in enumerate(text.splitlines(), 1):
        match = re.match(r'\s*#\s*include\s+"([^"]+)"', line)
        if not match:
            continue
        where = f"src/{file}:{number}"
        folder = match.group(1).split("/")[0]
        if "/" not in match.group(1):
            problems.append(f'{where}: write the folder of "{match.group(1)}", or <> for a library')
        elif folder not in order:
            problems.append(f"{where}: the folder {folder} is not in src/LAYERS")
        elif order.index(folder) > order.index(own):
            problems.append(f"{where}: {own} stands below {folder} and must not include {match.group(1)}")
    return problems


def test_includes_go_down_the_layers():
    order = layers()
    problems = []
    for path in SOURCES:
        problems += include_problems(order, str(path.relative_to(SRC)), path.read_text())
    assert not problems, "\n" + "\n".join(problems)


def test_an_include_that_goes_up_is_found():
    order = ["base", "log", "doors"]
    assert include_problems(order, "doors/http/x.cpp", '#include "log/log.h"\n') == []
    assert include_problems(order, "log/log.h", '#include "log/segment.h"\n#include <vector>\n') == []
    assert "src/log/log.h:2: log stands below doors" in include_problems(order, "log/log.h", '\n#include "doors/http/x.h"')[0]
    assert include_problems(order, "log/log.h", '#include "segment.h"')
    assert include_problems(order, "log/log.h", '#include "lgo/segment.h"')
    assert include_problems(order, "new/x.h", "")


def named_paths(text):
    """The paths that a README names: in backticks, with a source file's ending or beginning with a root folder."""
    for word in re.findall(r"`([^`\s]+)`", text):
        if re.search(r"[*<>$:]", word) or "…" in word:
            continue
        expanded = [word]
        braces = re.match(r"(.*)\{([^}]*)\}(.*)$", word)
        if braces:
            expanded = [braces.group(1) + middle.strip() + braces.group(3) for middle in braces.group(2).split(",")]
        for path in expanded:
            if re.search(r"\.(h|cpp|py|md|sh|txt)$", path) or path.startswith(("src/", "docs/", "tests/", "tools/", "bench/")):
                yield path


@pytest.mark.parametrize("folder", FOLDERS, ids=name_of)
def test_every_folder_has_a_readme_whose_paths_exist(folder):
    readme = folder / "README.md"
    assert readme.exists(), f"{name_of(folder)} needs a README.md: why it exists, what belongs here, the first file to read"
    text = readme.read_text()
    lines = len(text.splitlines())
    assert lines <= README_LINES_MAX, f"{name_of(readme)} has {lines} lines; at most {README_LINES_MAX}"
    gone = [path for path in named_paths(text)
            if not any((base / path).exists() for base in (folder, SRC, ROOT, *folder.parents))]
    assert not gone, f"{name_of(readme)} names what isn't there: {', '.join(gone)}"


def test_every_header_opens_with_its_contract():
    problems = []
    for path in HEADERS:
        lines = path.read_text().splitlines()[:CONTRACT_LINES]
        comment = [line for line in lines if line.startswith("//")]
        if not lines or not lines[0].startswith("//"):
            problems.append(f"{name_of(path)}: the first line is no comment that says what this is for")
        elif not any(tag in line for line in comment for tag in CONTRACT_TAGS):
            problems.append(f"{name_of(path)}: its first {CONTRACT_LINES} lines have none of {' '.join(CONTRACT_TAGS)}")
    assert not problems, "\n" + "\n".join(problems)


def test_no_file_is_too_long():
    problems = []
    for path in SOURCES:
        lines = len(path.read_text().splitlines())
        if lines > FILE_LINES_MAX:
            problems.append(f"{name_of(path)} has {lines} lines; at most {FILE_LINES_MAX}: split it by idea")
    assert not problems, "\n" + "\n".join(problems)


def without_comments_and_texts(code):
    """The same code, lines kept, with comments, strings and characters blanked out."""
    pattern = re.compile(
        r'//[^\n]*|/\*.*?\*/|R"(?P<d>[^(\s]*)\(.*?\)(?P=d)"|"(?:\\.|[^"\\\n])*"|(?<![0-9a-fA-F])\'(?:\\.|[^\'\\\n])+\'',
        re.DOTALL)
    return pattern.sub(lambda m: re.sub(r"[^\n]", " ", m.group(0)), code)


def function_name(head):
    test = re.search(r"\b(TEST\w*|BENCHMARK\w*)\s*\(([^)]*)\)", head)
    if test:
        arguments = re.sub(r"\s+", "", test.group(2))
        return f"{test.group(1)}({arguments})"
    match = re.search(r"([~\w:]+(?:\s*[=<>+*!\[\]()-]+)?)\s*\(", head)
    return match.group(1).strip() if match else head[:40]


def functions(code):
    """Yields (name, lines) of each function body that stands in no other function. A reader's eye, not a parser's."""
    code = re.sub(r"^\s*#(?:\\\n|[^\n])*", lambda m: "\n" * m.group(0).count("\n"), without_comments_and_texts(code), flags=re.M)
    inside = None  # (name, first line, how many braces were open before it)
    braces = []    # of each open brace: is it an initializer, x_{1}, in the middle of a head
    head_from = 0
    line = 1
    for at, c in enumerate(code):
        if c == "\n":
            line += 1
        elif c == "{":
            initializer = code[at - 1].isalnum() or code[at - 1] == "_"
            head = code[head_from:at]
            declares = re.search(r"\b(namespace|class|struct|enum|union|extern)\b[^()]*$", head)
            if inside is None and not initializer and ")" in head and not declares and "=" not in head.split("(")[0]:
                inside = (function_name(head), line - head.lstrip().count("\n"), len(braces))
            braces.append(initializer)
            head_from = head_from if initializer else at + 1
        elif c == "}" and braces:
            initializer = braces.pop()
            if inside is not None and len(braces) == inside[2]:
                yield inside[0], line - inside[1] + 1
                inside = None
            head_from = head_from if initializer else at + 1
        elif c == ";":
            head_from = at + 1


def long_functions():
    return {f"{name_of(path)} {name}": lines
            for path in SOURCES for name, lines in functions(path.read_text()) if lines > FUNCTION_LINES_MAX}


def test_long_functions_only_get_fewer():
    listed = {}
    for line in LONG_FUNCTIONS.read_text().splitlines():
        if line and not line.startswith("#"):
            name, lines = line.rsplit(" ", 1)
            listed[name] = int(lines)
    found = long_functions()
    problems = []
    for name, lines in found.items():
        if name not in listed:
            problems.append(f"{name} has {lines} lines; at most {FUNCTION_LINES_MAX}: split it")
        elif lines > listed[name]:
            problems.append(f"{name} has {lines} lines, and {listed[name]} in {LONG_FUNCTIONS.name}: it may only shrink")
    problems += [f"take \"{name}\" out of {LONG_FUNCTIONS.name}: it is no longer long" for name in listed if name not in found]
    assert not problems, "\n" + "\n".join(problems)


def test_the_lengths_of_functions_are_seen():
    code = """
namespace a {
// not { a function
class B {
  B() : x_{1}, text_("{") {
    if (x) {
    }
  }
};
Status run(int a,
           int b) {
  auto f = [&] {
    return '{';
  };
}
}  // namespace a
TEST(Log, Cuts) {
}
"""
    assert [(name, lines) for name, lines in functions(code) if lines > 1] == [("B", 4), ("run", 6), ("TEST(Log,Cuts)", 2)]
