"""Reading one file of a program: which names of PyTorch it needs, and where.

What a variable is known to be does not depend on the line: it is what all assignments in its
function agree on. So a first pass collects assignments, and a second one looks at the uses.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from naivegrad.run.kinds import (
    Instance,
    Missing,
    Thing,
    attribute,
    complaint,
    is_ours,
    module_of,
    refusal,
    result_of,
)
from naivegrad.tensor import Tensor

COPES_WITH = ("ImportError", "ModuleNotFoundError", "AttributeError", "Exception", "BaseException")


class Reader(ast.NodeVisitor):
    """Visits a file; every visit of an expression gives what it is: a Thing, an Instance, or None.

    Attributes
    ----------
    needs : the names of PyTorch that were found
    problems, notes : (line, text): what is missing; what will be refused when it is called
    imports : (level, module, names) of the imports of other modules
    """

    def __init__(self, source: str, path: str) -> None:
        self.tree = ast.parse(source, path)
        self.needs: set[str] = set()
        self.problems: set[tuple[int, str]] = set()
        self.notes: set[tuple[int, str]] = set()
        self.imports: list[tuple[int, str, list[str]]] = []
        self.scopes: dict[Any, dict[str, Any]] = {}
        self.stack: list[dict[str, Any]] = []
        self.tolerant = 0  # inside how many `try: ... except ImportError`
        self.looking = False  # the second pass
        nodes = list(ast.walk(self.tree))
        self.asked = {n.args[1].value for n in nodes if _asks(n)}  # hasattr(x, "name")
        self.made = {  # x.name = ...
            n.attr for n in nodes if isinstance(n, ast.Attribute) and isinstance(n.ctx, ast.Store)
        }

    def read(self) -> Reader:
        """Both passes."""
        for self.looking in (False, True):
            with self._scope(self.tree):
                self.generic_visit(self.tree)
        return self

    # Scopes

    @contextmanager
    def _scope(self, node: ast.AST) -> Iterator[None]:
        self.stack.append(self.scopes.setdefault(node, {}))
        yield
        self.stack.pop()

    def _bind(self, name: str, kind: Any) -> None:
        """Note what is assigned to a name; None for what cannot be told, or differs."""
        scope = self.stack[-1]
        if not self.looking:
            scope[name] = kind if scope.get(name, kind) == kind else None

    def _lookup(self, name: str) -> Any:
        for scope in reversed(self.stack):
            if name in scope:
                return scope[name]
        return None

    def _attempt(self, node: ast.AST, find: Any, *arguments: Any) -> Any:
        """find(*arguments); what is missing becomes a problem, unless the program copes with it."""
        try:
            found = find(*arguments)
        except Missing as error:
            self._complain(node, str(error))
            return None
        if self.looking and isinstance(found, Thing):
            self.needs.add(found.name)
        return found

    def _complain(self, node: Any, text: str) -> None:
        if self.looking and not self.tolerant:
            self.problems.add((node.lineno, text))

    # Statements

    def visit_Import(self, node: ast.Import) -> None:
        for alias in node.names:
            top = alias.name.partition(".")[0]
            self.imports.append((0, alias.name, []))
            kind = None
            if is_ours(top):
                found = self._attempt(node, module_of, alias.name)
                kind = found if alias.asname else module_of(top)
            self._bind(alias.asname or top, kind)

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        names = [alias.name for alias in node.names]
        self.imports.append((node.level, node.module or "", names))
        ours = not node.level and is_ours(node.module or "")
        module = self._attempt(node, module_of, node.module) if ours else None
        for alias in node.names:
            if alias.name != "*":
                found = module and self._attempt(node, attribute, module, alias.name)
                self._bind(alias.asname or alias.name, found)
            elif module is not None:
                for name in getattr(module.value, "__all__", dir(module.value)):
                    if not name.startswith("_"):
                        self._bind(name, attribute(module, name))

    def visit_Assign(self, node: ast.Assign) -> None:
        kind = self.visit(node.value)
        for target in node.targets:
            self._assign(target, kind)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        kind = self._annotated(node.annotation)
        value = self.visit(node.value) if node.value else None
        self._assign(node.target, kind or value)

    def visit_NamedExpr(self, node: ast.NamedExpr) -> Any:
        kind = self.visit(node.value)
        self._assign(node.target, kind)
        return kind

    def visit_AugAssign(self, node: ast.AugAssign) -> None:
        self.visit(node.value)
        self.visit(node.target)

    def visit_For(self, node: Any) -> None:
        self.visit(node.iter)
        self._assign(node.target, None)
        for part in (*node.body, *node.orelse):
            self.visit(part)

    visit_AsyncFor = visit_For

    def visit_withitem(self, node: ast.withitem) -> None:
        self.visit(node.context_expr)
        if node.optional_vars:
            self._assign(node.optional_vars, None)

    def visit_Try(self, node: ast.Try) -> None:
        copes = any(
            h.type is None or any(name in ast.dump(h.type) for name in COPES_WITH)
            for h in node.handlers
        )
        self.tolerant += copes
        for part in node.body:
            self.visit(part)
        self.tolerant -= copes
        for part in (*node.handlers, *node.orelse, *node.finalbody):
            self.visit(part)

    def _assign(self, target: ast.AST, kind: Any) -> None:
        if isinstance(target, ast.Name):
            self._bind(target.id, kind)
        elif isinstance(target, ast.Tuple | ast.List):
            for element in target.elts:
                self._assign(element, None)
        elif isinstance(target, ast.Starred):
            self._assign(target.value, None)
        elif _is_self(target):
            self._bind_self(target.attr, kind)  # type: ignore[attr-defined]
        else:
            self.visit(target)

    def _bind_self(self, name: str, kind: Any) -> None:
        """self.name = ...: known in all methods of the class, whose scope is the second to last."""
        if len(self.stack) > 1:
            top = self.stack.pop()
            self._bind(f"self.{name}", kind)
            self.stack.append(top)

    def visit_FunctionDef(self, node: Any) -> None:
        self._bind(node.name, None)
        for part in (*node.decorator_list, node.args):
            self.visit(part)
        with self._scope(node):
            arguments = node.args
            for a in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs):
                self._bind(a.arg, self._annotated(a.annotation) if a.annotation else None)
            for rest in (arguments.vararg, arguments.kwarg):
                if rest:
                    self._bind(rest.arg, None)
            for part in node.body:
                self.visit(part)

    visit_AsyncFunctionDef = visit_FunctionDef

    def visit_Lambda(self, node: ast.Lambda) -> None:
        with self._scope(node):
            for a in ast.walk(node.args):
                if isinstance(a, ast.arg):
                    self._bind(a.arg, None)
            self.visit(node.body)

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        self._bind(node.name, None)
        for part in (*node.decorator_list, *node.bases):
            self.visit(part)
        with self._scope(node):
            for part in node.body:
                self.visit(part)

    def _comprehension(self, node: Any) -> None:
        with self._scope(node):
            for generator in node.generators:
                self.visit(generator.iter)
                self._assign(generator.target, None)
                for condition in generator.ifs:
                    self.visit(condition)
            for part in ("key", "value", "elt"):
                if hasattr(node, part):
                    self.visit(getattr(node, part))

    visit_ListComp = visit_SetComp = visit_DictComp = visit_GeneratorExp = _comprehension

    # Expressions

    def visit_Name(self, node: ast.Name) -> Any:
        return self._lookup(node.id) if isinstance(node.ctx, ast.Load) else None

    def visit_Attribute(self, node: ast.Attribute) -> Any:
        return self._member(node, self.visit(node.value))

    def _member(self, node: ast.Attribute, owner: Any, is_call: bool = False) -> Any:
        if _is_self(node):
            return self._lookup(f"self.{node.attr}")
        if owner is None or node.attr in self.asked or not isinstance(node.ctx, ast.Load):
            return None
        if isinstance(owner, Instance) and node.attr in self.made:
            return None
        return self._attempt(node, attribute, owner, node.attr, is_call)

    def visit_Call(self, node: ast.Call) -> Any:
        owner = None
        if isinstance(node.func, ast.Attribute):
            owner = self.visit(node.func.value)
            called = self._member(node.func, owner, is_call=True)
        else:
            called = self.visit(node.func)
        for part in (*node.args, *node.keywords):
            self.visit(part)
        if not isinstance(called, Thing):
            return None
        reason = refusal(called)
        if reason is not None and self.looking:
            self.notes.add((node.lineno, reason))
        starred = any(isinstance(a, ast.Starred) for a in node.args)
        names = [k.arg for k in node.keywords if k.arg is not None]
        wrong = complaint(called, None if starred else len(node.args), names)
        if wrong is not None:
            self._complain(node, wrong)
        return result_of(called, owner.cls if isinstance(owner, Instance) else None)

    def visit_BinOp(self, node: ast.BinOp) -> Any:
        return self._tensor_if_one(node.left, node.right)

    def visit_UnaryOp(self, node: ast.UnaryOp) -> Any:
        kind = self._tensor_if_one(node.operand)
        return None if isinstance(node.op, ast.Not) else kind

    def visit_Subscript(self, node: ast.Subscript) -> Any:
        self.visit(node.slice)
        return self._tensor_if_one(node.value)

    def _tensor_if_one(self, *operands: ast.AST) -> Any:
        kinds = [self.visit(x) for x in operands]
        return Instance(Tensor) if Instance(Tensor) in kinds else None

    def _annotated(self, annotation: ast.AST) -> Any:
        kind = self.visit(annotation)
        return result_of(kind) if isinstance(kind, Thing) else None


def _is_self(node: ast.AST) -> bool:
    return (
        isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id == "self"
    )


def _asks(node: ast.AST) -> bool:
    """Whether it is hasattr(x, "name") or getattr(x, "name", default)."""
    if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name)):
        return False
    least = {"hasattr": 2, "getattr": 3}.get(node.func.id, 9)
    return len(node.args) >= least and isinstance(node.args[1], ast.Constant)
