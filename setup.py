"""conf/ ships as mer.conf, whatever the kind of install."""

from setuptools import find_namespace_packages, find_packages, setup

conf = ["mer.conf", *(f"mer.conf.{group}" for group in find_namespace_packages("conf"))]

setup(
    packages=[*find_packages(include=["mer", "mer.*"]), *conf],
    package_dir={"mer.conf": "conf"},
    package_data={
        "mer.conf": ["**/*.yaml"],
        "mer": ["py.typed", "*.md"],
        "mer.synth": ["*.png", "*.csv", "*.md"],
        "mer.report": ["*.css", "*.js"],
    },
)
