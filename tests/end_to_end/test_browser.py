"""One sign-in in real Chromium: pages, form, upload, download, events, WebSocket."""
import hashlib
import time

import pytest
from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

from harness import pattern
from harness.processes import PATIENCE


@pytest.fixture
def chromium(world, tmp_path):
    """A headless Chromium that trusts the node's authority only in as far as it must: by ignoring who signed."""
    options = webdriver.ChromeOptions()
    options.binary_location = "/usr/bin/chromium"
    for word in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", "--ignore-certificate-errors",
                 "--disable-background-networking", "--disable-component-update", "--no-first-run",
                 f"--user-data-dir={tmp_path / 'profile'}", "--host-resolver-rules=MAP *.localhost 127.0.0.1"):
        options.add_argument(word)
    options.add_experimental_option("prefs", {"download.default_directory": str(tmp_path), "download.prompt_for_download": False})
    driver = webdriver.Chrome(service=Service("/usr/bin/chromedriver"), options=options)
    driver.set_page_load_timeout(60 * PATIENCE)
    yield driver
    driver.quit()


def until(driver, condition, seconds=20):
    return WebDriverWait(driver, seconds * PATIENCE).until(condition)


def test_a_person_works_with_the_intranet(world, chromium, tmp_path):
    chromium.get(world.url("intranet", "directory"))
    assert chromium.current_url.startswith(world.url("sts"))
    secret = until(chromium, lambda d: d.find_element(By.CSS_SELECTOR, "input[type=password]"))
    form = secret.find_element(By.XPATH, "./ancestor::form")
    form.find_element(By.CSS_SELECTOR, "input[type=text], input:not([type])").send_keys("bob")
    secret.send_keys(world.node.users["bob"]["password"])
    form.find_element(By.CSS_SELECTOR, "button, input[type=submit]").click()

    until(chromium, lambda d: d.current_url == world.url("intranet", "directory"))
    assert "Bob Brown" in chromium.page_source

    chromium.find_element(By.LINK_TEXT, "Home").click()
    welcome = until(chromium, lambda d: d.find_element(By.ID, "welcome"))
    assert "Bob Brown" in welcome.text
    # No script may read the session.
    assert "__Host" not in chromium.execute_script("return document.cookie")

    chromium.find_element(By.LINK_TEXT, "Form").click()
    order = until(chromium, lambda d: d.find_element(By.NAME, "order"))
    order.clear()
    order.send_keys("tea & cake")
    order.submit()
    assert "tea & cake" in until(chromium, lambda d: d.find_element(By.ID, "ordered")).text

    file = tmp_path / "to-upload.bin"
    file.write_bytes(b"".join(pattern.blocks(3_000_000)))
    chromium.get(world.url("intranet", "files"))
    chooser = until(chromium, lambda d: d.find_element(By.CSS_SELECTOR, "input[type=file]"))
    chooser.send_keys(str(file))
    chooser.submit()
    uploaded = until(chromium, lambda d: d.find_element(By.ID, "uploaded")).text
    assert pattern.sha256(3_000_000) in uploaded

    chromium.get(world.url("intranet", "files"))
    chromium.find_element(By.LINK_TEXT, "1 MiB").click()
    downloaded = tmp_path / "generated-1048576.bin"
    end = time.monotonic() + 20 * PATIENCE
    while not downloaded.exists() and time.monotonic() < end:
        time.sleep(0.05)
    assert hashlib.sha256(downloaded.read_bytes()).hexdigest() == pattern.sha256(1_048_576)

    chromium.get(world.url("intranet", "events"))
    until(chromium, lambda d: "event 1" in d.find_element(By.ID, "log").text)

    chromium.get(world.url("intranet", "chat"))
    until(chromium, lambda d: d.find_element(By.ID, "state").text == "open")
    chromium.find_element(By.CSS_SELECTOR, "#say button").click()
    until(chromium, lambda d: d.find_element(By.ID, "log").text.strip() == "hello")

    # A script of a page whose session is over is told so; it is not led to a sign-in page.
    chromium.delete_all_cookies()
    status = chromium.execute_async_script(
        "const done = arguments[0]; fetch('/whoami').then(r => done([r.status, r.redirected]), e => done([0, String(e)]))")
    assert status == [401, False]
