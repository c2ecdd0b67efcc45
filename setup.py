"""The ecmahost-core distribution: the host and the contract. Connectors are distributions of their own."""

import shutil
from pathlib import Path

from setuptools import find_packages, setup
from setuptools.command.build_py import build_py


class FreshBuild(build_py):
    """Builds from nothing: what an earlier ``pip install .`` left in build/ would put deleted modules back."""

    def run(self) -> None:
        """Called by setuptools."""
        if not self.editable_mode:
            shutil.rmtree(self.build_lib, ignore_errors=True)
        super().run()


setup(
    name="ecmahost-core",
    version="0.1.0",
    description="An open ECMA Connector Host: Microsoft Entra ID provisions into any system, by connectors from pip",
    long_description=Path(__file__).with_name("README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    license_expression="Apache-2.0",
    license_files=["LICENSE"],
    python_requires=">=3.11",
    keywords=["Microsoft Entra ID", "Azure AD", "SCIM", "ECMA2", "provisioning", "identity management"],
    classifiers=[
        "Development Status :: 4 - Beta",
        "Environment :: No Input/Output (Daemon)",
        "Intended Audience :: System Administrators",
        "Operating System :: POSIX :: Linux",
        "Programming Language :: Python :: 3 :: Only",
        "Programming Language :: Python :: 3.11",
        "Topic :: System :: Systems Administration :: Authentication/Directory",
        "Typing :: Typed",
    ],
    packages=find_packages(include=["ecmahost_core", "ecmahost_core.*"]),
    cmdclass={"build_py": FreshBuild},
    package_data={"ecmahost_core": ["py.typed"]},
    install_requires=[
        "click>=8.1.3",
        "cryptography>=43",
        "flask>=3.1",
        # Subclassed down to its connection handling; tests/serving guards the internals that we rely on.
        "gunicorn==27.0.1",
        "marshmallow>=4",
        "orjson>=3.10",
        "pluggy>=1.5",
        "prometheus-client>=0.21",
        "rich>=13",
        "structlog>=24.1",
        "tomlkit>=0.13",
    ],
    # A connector space that several hosts share.
    extras_require={"postgresql": ["psycopg[binary]>=3.2"]},
    entry_points={"console_scripts": ["ecmahost = ecmahost_core.cli:main"]},
)
