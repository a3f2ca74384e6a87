// What the front matter of both 실험실 says that links may ask for, which `mundap check` holds links to, is what their scripts read.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import * as toy from "../../docs/assets/js/lab/state.js";
import * as real from "../../docs/assets/js/photo/state.js";

const RANGE = /([\d.]+?)\.\.([\d.]+)/g;

function statesOf(page) {
  const text = readFileSync(new URL(`../../docs/${page}.md`, import.meta.url), "utf8");
  const lines = /^states:.*\n((?: {2}\w+: \[.*\]\n)+)/m.exec(text)[1].trim().split("\n");
  return lines.map((line) => {
    const [, key, forms] = /^ *(\w+): \[(.*)\]$/.exec(line);
    return [key, [...forms.matchAll(/"([^"]*)"|([^", ]+)/g)].map(([, quoted, bare]) => quoted ?? bare)];
  });
}

for (const [page, { read, USUAL }] of [
  ["lab", toy],
  ["photo-lab", real],
]) {
  const isRead = (key, value) => {
    const found = read(`?${key}=${encodeURIComponent(value)}`)[key];
    return String(found) !== String(USUAL[key]) || value === String(USUAL[key]);
  };

  test(`all states of ${page} are told`, () => {
    assert.deepEqual(
      statesOf(page)
        .map(([key]) => key)
        .sort(),
      Object.keys(USUAL).sort(),
    );
  });

  for (const [key, forms] of statesOf(page)) {
    test(`${page}?${key}= is read as it is told`, () => {
      for (const form of forms) {
        assert.ok(isRead(key, form.replace(RANGE, "$1")), form);
        assert.ok(isRead(key, form.replace(RANGE, "$2")), form);
        if (form.includes(".."))
          assert.ok(
            !isRead(
              key,
              form.replace(RANGE, (_, _low, high) => +high + 1),
            ),
            form,
          );
      }
    });
  }
}
