// The page for addresses that lead nowhere: names the page that may have been meant, and searches for what was asked for.
import { element } from "./dom.js";
import { load, ROOT } from "./fulltext.js";
import { nearest } from "./nearest.js";

async function suggest() {
  const place = document.querySelector("[data-lost]");
  if (!place) return;
  const { dictionary } = await load();
  const { words, page } = nearest(location.pathname, dictionary.pages);
  document.querySelector(".find").dataset.query = words;
  if (page) place.append("혹시 이 페이지인가요? ", element("a", { href: new URL(page.url, ROOT) }, page.title));
}

suggest().catch(() => {}); // without it, the page is as it came
