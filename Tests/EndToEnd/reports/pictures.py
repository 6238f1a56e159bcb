"""Writes pictures of the first screen of every story, at three widths, light and dark, and the printed page: pictures.py FOLDER."""

import os
import sys

import stories
from browser import Browser

SIZES = {1400: 900, 1024: 768, 390: 844}


def write(folder):
    os.makedirs(folder, exist_ok=True)
    stories.make()
    with Browser() as browser:
        for story in stories.EXIT_CODES:
            for width, height in SIZES.items():
                for dark in (False, True):
                    browser.open(stories.path(story, "report.html"), width=width, height=height, dark=dark)
                    browser.screenshot(os.path.join(folder, f"{story}-{width}{'-dark' if dark else ''}.webp"))
            browser.open(stories.path(story, "report.html"))
            browser.lay_out_as_printed()
            browser.screenshot(os.path.join(folder, f"{story}-print.webp"))
            browser.open(stories.path(story, "report.html"))
            with open(os.path.join(folder, f"{story}.pdf"), "wb") as file:
                file.write(browser.print())


if __name__ == "__main__":
    write(sys.argv[1])
