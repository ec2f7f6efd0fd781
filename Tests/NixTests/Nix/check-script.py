"""Compiles a test's script, and looks whether the test driver of the tree has what it calls.

check-script.py SCRIPT TREE
"""

import ast
import builtins
import pathlib
import sys

text = pathlib.Path(sys.argv[1]).read_text()
driver = pathlib.Path(sys.argv[2], "nixos/lib/test-driver")

methods: dict[str, set[str]] = {}
for file in driver.rglob("*.py"):
    if "machine" in str(file.relative_to(driver)):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.FunctionDef):
                arguments = {each.arg for each in node.args.args + node.args.kwonlyargs}
                methods.setdefault(node.name, set()).update(arguments)
assert methods, f"{driver} has no machine"

compile(text, "script", "exec")
tree = ast.parse(text)
names = [node for node in ast.walk(tree) if isinstance(node, ast.Name)]
known = {"machine", "subtest", *dir(builtins)}
known.update(name.id for name in names if isinstance(name.ctx, ast.Store))
for name in names:
    assert name.id in known, f"line {name.lineno}: nobody has said what {name.id} is"

for call in ast.walk(tree):
    if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Attribute):
        continue
    of = call.func
    if isinstance(of.value, ast.Name) and of.value.id == "machine":
        assert of.attr in methods, f"line {call.lineno}: the driver's machine has no {of.attr}"
        for keyword in call.keywords:
            has = keyword.arg in methods[of.attr]
            assert has, f"line {call.lineno}: {of.attr} takes no {keyword.arg}"
