"""Reads junit.xml with four independent readers: all of them must count the same, and see that what did not pass did not."""

import unittest
import xml.etree.ElementTree as ElementTree

import junit2htmlreport.parser
import junit2report.parser
import junitparser
import stories
import xunitparser


def counts(path):
    root = ElementTree.parse(path).getroot()
    cases = list(root.iter("testcase"))
    return {
        "tests": len(cases), "failures": len(root.findall(".//failure")), "errors": len(root.findall(".//error")),
        "skipped": len(root.findall(".//skipped"))}


def by_junitparser(path):
    document = junitparser.JUnitXml.fromfile(path)
    document.update_statistics()
    return {"tests": document.tests, "failures": document.failures, "errors": document.errors, "skipped": document.skipped}


def by_xunitparser(path):
    with open(path) as file:
        _, result = xunitparser.parse(file)
    return {
        "tests": result.testsRun, "failures": len(result.failures), "errors": len(result.errors), "skipped": len(result.skipped)}


def by_junit2html(path):
    suites = junit2htmlreport.parser.Junit(path).suites
    failed = sum(len(suite.failed()) for suite in suites)
    return {"tests": sum(len(suite.all()) for suite in suites), "bad": failed, "skipped": sum(len(suite.skipped()) for suite in suites)}


def by_junit2report(path):
    summary = junit2report.parser.parse_junit_xml(path)["summary"]
    return {"tests": summary["total"], "failures": summary["failed"], "errors": summary["errors"], "skipped": summary["skipped"]}


class JUnitTests(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        stories.make()

    def test_a_lost_node_is_one_failure(self):
        """The rest follows from it, and is skipped with a pointer to it."""
        found = counts(stories.path("node", "junit.xml"))
        self.assertEqual((found["failures"], found["errors"]), (1, 0))

    def test_all_readers_count_the_same(self):
        for story, code in stories.EXIT_CODES.items():
            path = stories.path(story, "junit.xml")
            expected = counts(path)
            self.assertEqual(expected["failures"] + expected["errors"] > 0, code != 0, story)
            for reader in (by_junitparser, by_xunitparser, by_junit2html, by_junit2report):
                with self.subTest(story=story, reader=reader.__name__):
                    found = reader(path)
                    bad = found.pop("bad", found.get("failures", 0) + found.get("errors", 0))
                    self.assertEqual(bad, expected["failures"] + expected["errors"])
                    self.assertEqual({name: expected[name] for name in found}, found)

    def test_one_cause_is_one_failure(self):
        self.assertEqual(counts(stories.path("budget", "junit.xml"))["failures"], 1)
        self.assertEqual(counts(stories.path("lost", "junit.xml"))["failures"], 1)


if __name__ == "__main__":
    unittest.main()
