"""The type stubs say what the package has: names, parameters, which of them have defaults."""
import ast
import inspect
import os
import unittest

import common  # noqa: F401  skips where there is no NumPy
import etalon

STUB = os.path.join(os.path.dirname(etalon.__file__), "__init__.pyi")


def parameters(function):
    """(name, keyword only, has a default) of every parameter of a stub's function."""
    a = function.args
    plain = a.posonlyargs + a.args
    given = len(plain) - len(a.defaults)
    out = [(p.arg, False, i >= given) for i, p in enumerate(plain)]
    return out + [(p.arg, True, d is not None) for p, d in zip(a.kwonlyargs, a.kw_defaults)]


def real(function):
    return [(p.name, p.kind is p.KEYWORD_ONLY, p.default is not p.empty)
            for p in inspect.signature(function).parameters.values()]


class Stubs(unittest.TestCase):
    def setUp(self):
        with open(STUB, encoding="utf-8") as file:
            self.body = ast.parse(file.read()).body

    def test_functions_have_their_parameters(self):
        functions = [n for n in self.body if isinstance(n, ast.FunctionDef)]
        self.assertGreaterEqual(len(functions), 7)
        for stub in functions:
            self.assertEqual(parameters(stub), real(getattr(etalon, stub.name)), stub.name)

    def test_classes_have_their_members(self):
        for name in ("SeriesEncoder", "Filter"):
            stub = next(n for n in self.body if isinstance(n, ast.ClassDef) and n.name == name)
            for item in stub.body:
                if not isinstance(item, ast.FunctionDef):
                    continue
                member = inspect.getattr_static(getattr(etalon, name), item.name)
                if isinstance(member, property):
                    continue
                self.assertEqual(parameters(item), real(member), f"{name}.{item.name}")

    def test_every_public_name_is_there_and_documented(self):
        named = {n.name for n in self.body if isinstance(n, (ast.FunctionDef, ast.ClassDef))}
        for name in etalon.__all__:
            self.assertIn(name, named)
            self.assertGreater(len(inspect.getdoc(getattr(etalon, name))), 20, name)
        self.assertTrue(os.path.exists(os.path.join(os.path.dirname(STUB), "py.typed")))


if __name__ == "__main__":
    unittest.main()
