"""Looks at report.html in a real browser: as wide as people have it, light, dark, printed, and without scripts."""

import pathlib
import unittest

import axe_core_python
import stories
from browser import Browser

AXE = pathlib.Path(axe_core_python.__file__).with_name("axe.min.js").read_text()

# The page's own content that is wider than the window, and text that is cut off where it stands.
OVERFLOW = """(() => {
  const wide = [...document.querySelectorAll('body *')].filter((e) => {
    const box = e.getBoundingClientRect();
    return box.width > 0 && box.right > innerWidth + 1 && !e.closest('.scroll') && !e.closest('.plot') && !e.closest('svg');
  });
  return [document.documentElement.scrollWidth - innerWidth, wide.slice(0, 5).map((e) => e.outerHTML.slice(0, 120))];
})()"""


# Paper does not scroll: whatever is wider than the page, or hidden by what it is in, is cut off.
CUT = """(() => {
  const cut = [...document.querySelectorAll('body *')].filter((e) => {
    const box = e.getBoundingClientRect();
    const style = getComputedStyle(e);
    if (box.width === 0 || style.display === 'none' || e.closest('svg')) return false;
    return box.right > innerWidth + 1 || (style.overflowX !== 'visible' && e.scrollWidth > e.clientWidth + 1);
  });
  return cut.slice(0, 5).map((e) => e.outerHTML.slice(0, 160));
})()"""


class PageTests(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        stories.make()
        cls.browser = Browser()

    @classmethod
    def tearDownClass(cls):
        cls.browser.__exit__()

    def open(self, story, **options):
        self.browser.open(stories.path(story, "report.html"), **options)

    def test_nothing_overflows(self):
        for story in stories.EXIT_CODES:
            for width in (1400, 1024, 390):
                with self.subTest(story=story, width=width):
                    self.open(story, width=width)
                    self.browser.evaluate("document.querySelectorAll('details').forEach((d) => d.open = true)")
                    self.assertEqual(self.browser.evaluate(OVERFLOW), [0, []])

    def test_axe_finds_nothing(self):
        """Contrast, names, headers, unique ids... in light and dark."""
        for story in stories.EXIT_CODES:
            for dark in (False, True):
                with self.subTest(story=story, dark=dark):
                    self.open(story, dark=dark)
                    self.browser.evaluate("document.querySelectorAll('details').forEach((d) => d.open = true)")
                    self.browser.evaluate(AXE + "; 0")
                    found = self.browser.evaluate(
                        "axe.run(document).then((r) => r.violations.map((v) => [v.id, v.nodes.length, v.nodes[0].html.slice(0, 200)]))")
                    self.assertEqual(found, [])

    def test_the_first_screen_answers(self):
        """The verdict, the downtime with its limit, the rows and the restoration are seen without scrolling."""
        for width, height in ((1400, 900), (1024, 768), (390, 844)):
            with self.subTest(width=width):
                self.open("lost", width=width, height=height)
                bottom = self.browser.evaluate("document.querySelector('.why').getBoundingClientRect().bottom")
                self.assertLessEqual(bottom, height)
                big = self.browser.evaluate("[...document.querySelectorAll('.tile .big')].map((e) => e.textContent)")
                self.assertEqual(big[1], "2")
                self.assertTrue(big[0].startswith("at most "), big)

    def test_the_chart_is_seen_on_a_telephone(self):
        self.open("budget", width=390)
        width = self.browser.evaluate("document.querySelector('.chart .plot svg').getBoundingClientRect().width")
        self.assertGreater(width, 300)
        seen = self.browser.evaluate(
            "[...document.querySelectorAll('.repeat[open] .chart .down')].filter((e) => e.getBoundingClientRect().width >= 1).length")
        self.assertGreater(seen, 3)

    def test_the_axis_zooms_and_reads(self):
        self.open("budget", fragment="#e1-checks")
        view = "document.querySelector('.chart').chart.view"
        self.browser.evaluate("document.querySelector('.chart').scrollIntoView({block: 'center'})")
        before = self.browser.evaluate(view)
        box = self.browser.evaluate("(() => { const b = document.querySelector('.chart .ground').getBoundingClientRect(); return [b.left, b.width, b.top + 5]; })()")
        self.browser.drag(box[0] + box[1] * 0.25, box[0] + box[1] * 0.5, box[2])
        brushed = self.browser.evaluate(view)
        self.assertAlmostEqual((brushed[1] - brushed[0]) / (before[1] - before[0]), 0.25, delta=0.02)
        # All lanes share the axis.
        boxes = self.browser.evaluate(
            "[...new Set([...document.querySelector('.chart').querySelectorAll('svg')].map((s) => s.getAttribute('viewBox').split(' ').filter((_, i) => i % 2 == 0).join()))].length")
        self.assertEqual(boxes, 1)
        self.browser.evaluate("document.querySelector('.chart').focus()")
        self.browser.key("Home")
        self.assertEqual(self.browser.evaluate(view), before)
        for _ in range(5):
            self.browser.key("ArrowRight")
        text = self.browser.evaluate("document.querySelector('.read').textContent")
        self.assertIn("s from the fault", text)
        self.assertIn("connect: ", text)
        self.assertIn("writes: ", text)

    def test_a_repeat_is_chosen(self):
        self.open("pass", fragment="#e1-r1")
        self.assertEqual(self.browser.evaluate("[...document.querySelectorAll('.repeat[open]')].map((e) => e.id)"), ["e1-r1"])

    def test_it_works_without_scripts(self):
        self.open("lost", scripts=False)
        document = self.browser.call("DOM.getDocument", depth=0)["root"]["nodeId"]
        for selector in (".chart .down", ".chart .lost", ".tile .big", "table caption"):
            found = self.browser.call("DOM.querySelector", nodeId=document, selector=selector)["nodeId"]
            self.assertTrue(found, selector)
            box = self.browser.call("DOM.getBoxModel", nodeId=found)["model"]
            self.assertGreater(box["width"] + box["height"], 0, selector)

    def test_printing_cuts_nothing(self):
        for story in stories.EXIT_CODES:
            with self.subTest(story=story):
                self.open(story)
                self.browser.lay_out_as_printed()
                self.assertEqual(self.browser.evaluate(CUT), [])

    def test_printing_shows_everything(self):
        self.open("lost")
        self.browser.evaluate("dispatchEvent(new Event('beforeprint'))")
        self.assertEqual(self.browser.evaluate("document.querySelectorAll('details:not([open])').length"), 0)
        self.assertEqual(self.browser.evaluate("document.querySelectorAll('noscript').length"), 0)
        self.assertTrue(self.browser.print().startswith(b"%PDF"))


if __name__ == "__main__":
    unittest.main()
