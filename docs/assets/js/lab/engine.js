// A model in a worker of its own: it is loaded, asked, and what becomes of the questions when it dies.
const WASM = new URL("../../vendor/ort.wasm.zst", import.meta.url).href;
const LONGEST = 60_000; // ms for which a run is waited for

/** Why a model is not there, in Korean. reason: the message of what load() or run() reject with. */
export function whyNot(reason) {
  const known = {
    "no-wasm": "이 브라우저에서는 WebAssembly를 쓸 수 없어서 모델을 돌리지 못해요. 보안 설정에서 꺼 두었을 수 있어요.",
    "no-simd": "이 브라우저의 WebAssembly에는 SIMD가 없어서 모델을 돌리지 못해요. 브라우저를 새것으로 바꿔 주세요.",
    "no-answer": "모델이 1분 동안 답하지 않아서 멈췄어요.",
  };
  return known[reason] ?? null;
}

/**
 * Fetch a model and make it ready -> a promise of an Engine, which rejects if something does not come.
 *
 * what: { graph, its address; wasm, where the runtime's binary is not asked for at its own; keep, the name of the store
 * of the browser that holds both from then on; options of the session }. progress(bytes so far) is called meanwhile.
 */
export function load(what, progress = () => {}) {
  const worker = new Worker(new URL("worker.js", import.meta.url), { type: "module" });
  const engine = new Engine(worker);
  let bytes = 0;
  return new Promise((resolve, reject) => {
    engine.lost.then((reason) => reject(new Error(reason)));
    worker.addEventListener("message", ({ data }) => {
      if (data.bytes) {
        bytes += data.bytes;
        progress(bytes);
      } else if (data.ready) resolve(engine);
    });
    worker.postMessage({ load: { wasm: WASM, ...what } });
  });
}

class Engine {
  constructor(worker) {
    this.worker = worker;
    this.asked = new Map(); // id of a run -> what settles its promise
    this.runs = 0;
    /** Settles, with the reason, when there is no use in asking any more. */
    this.lost = new Promise((settle) => {
      this.fail = (reason) => {
        worker.terminate(); // what still arrives must not go on telling of progress
        this.reason = reason;
        for (const { reject } of this.asked.values()) reject(new Error(reason));
        this.asked.clear();
        settle(reason);
      };
    });
    worker.addEventListener("error", ({ message }) => this.fail(message ?? "worker.js"));
    worker.addEventListener("message", ({ data: { id, outputs, failed } }) => {
      if (failed) this.fail(failed);
      this.asked.get(id)?.resolve(outputs);
      this.asked.delete(id);
    });
  }

  /** inputs: {name: [type, data, shape]} -> a promise of {name: data}, which rejects once the worker is lost. */
  async run(inputs) {
    if (this.reason) throw new Error(this.reason);
    const id = this.runs++;
    const answer = new Promise((resolve, reject) => this.asked.set(id, { resolve, reject }));
    const timer = setTimeout(() => this.fail("no-answer"), LONGEST);
    this.worker.postMessage({ id, inputs });
    return answer.finally(() => clearTimeout(timer));
  }
}
