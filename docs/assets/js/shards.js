// The search index, of which only those files are fetched that a query needs; mundap.site.search writes it.

const NEXT = 2; // shards at most that are read for one beginning of words

/** The place of the last of some keys in order that is not after `key`, 0 where all are. */
export function placeOf(firsts, key) {
  let [low, high] = [0, firsts.length];
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (firsts[middle] <= key) low = middle;
    else high = middle;
  }
  return low;
}

// The shards in which words that begin with `start` may be.
function placesOf(firsts, start) {
  const place = placeOf(firsts, start);
  const places = firsts.length ? [place] : [];
  while (places.length < NEXT && firsts[place + places.length]?.startsWith(start)) places.push(place + places.length);
  return places;
}

/** The file of a page and its place in it: [number of the file, place]. kinds: [[kind, pages, pages in a file]]. */
export function fileOf(number, kinds) {
  let [start, file] = [0, 0];
  for (const [, count, together] of kinds) {
    if (number < start + count) return [file + Math.floor((number - start) / together), (number - start) % together];
    start += count;
    file += Math.ceil(count / together);
  }
  throw new RangeError(`no page ${number}`);
}

/**
 * The lists and pages of an index. index: what index.json says; read(name): a promise of a file's JSON. Each file is read
 * once, but one that could not be read is tried again.
 */
export function openIndex({ firsts, kinds }, read) {
  const files = new Map(); // name -> a promise of what it says
  function once(name, ready) {
    if (!files.has(name)) {
      const reading = read(name).then(ready);
      reading.catch(() => files.delete(name));
      files.set(name, reading);
    }
    return files.get(name);
  }

  // What a list has in the shards of some beginnings of words: [Map of a word -> its value].
  async function shards(list, starts) {
    const places = new Set(starts.flatMap((start) => placesOf(firsts[list], start)));
    const shardAt = (place) => once(`${list}${place}`, (shard) => new Map(Object.entries(shard)));
    return Promise.all([...places].map(shardAt));
  }

  // The entries of pages by their numbers, each with its number: ready(entry) once for each.
  async function pages(numbers, ready) {
    const found = numbers.map(async (number) => {
      const [file, place] = fileOf(number, kinds);
      return { number, ...(await once(`pages${file}`, (entries) => entries.map(ready)))[place] };
    });
    return Promise.all(found);
  }

  return { shards, pages, kinds };
}
