// The page for addresses that lead nowhere: names the page that may have been meant, and searches for what was asked for.
import { element } from "./dom.js";
import { search } from "./fulltext.js";
import { nearest, wordsOf } from "./nearest.js";

async function suggest() {
  const place = document.querySelector("[data-lost]");
  if (!place) return;
  const words = wordsOf(location.pathname);
  document.querySelector(".find").dataset.query = words;
  const page = nearest(location.pathname, (await search(words)).hits);
  if (page) place.append("혹시 이 페이지인가요? ", element("a", { href: page.url }, page.title));
}

suggest().catch(() => {}); // without it, the page is as it came
