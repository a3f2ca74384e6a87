// The kernel of the page: one socket for all its cells, which run one after another.
const CLOSED = "서버와 연결이 끊어졌어요. `make serve`가 켜져 있는지 확인해 주세요.";
const REFUSED =
  "이 브라우저에서는 아직 코드를 돌릴 수 없어요. 터미널에 나온 주소 가운데 enter가 들어 있는 것을 여기서 한 번 열어 주세요.";
const AGAIN = "변수는 사라졌고, 다음 실행이 앞의 코드부터 다시 돌려요.";
const LOST = {
  memory: "메모리를 너무 많이 써서 커널을 멈췄어요.",
  stopped: "도중에 멈출 수 없는 계산이라 커널을 닫았어요.",
  died: "커널이 갑자기 끝났어요.",
  idle: "오래 쓰지 않아서 커널을 닫았어요.",
  room: "다른 페이지의 커널을 열려고 이 페이지의 커널을 닫았어요.",
  restart: "커널을 닫았어요.",
};

const lostText = (why) => (why === "closed" ? CLOSED : `${LOST[why] ?? LOST.died} ${AGAIN}`);

/** cells: of the page, in order; panel: see panel.js. In a notebook a cell needs those before it. */
export class Kernel {
  constructor(cells, isNotebook, panel) {
    Object.assign(this, { cells, isNotebook, panel });
    this.socket = null; // a WebSocket that is open
    this.running = null; // the cell under way
    this.waiting = new Map(); // cell number -> what its run waits for
  }

  say(text) {
    this.panel.say(text, { isRunning: Boolean(this.running), isOpen: Boolean(this.socket) });
  }

  stop() {
    this.send({ do: "stop" });
    this.say("멈추고 있어요.");
  }

  restart() {
    this.send({ do: "restart" });
  }

  close() {
    this.socket?.close();
  }

  send(order) {
    this.socket?.send(JSON.stringify(order));
  }

  /** Open the socket. Throws an Error whose message is for the reader. */
  async connect() {
    const secret = localStorage.getItem("mundap-secret") ?? ""; // what enter.js has kept
    const answer = await fetch(new URL("may", import.meta.url), {
      cache: "no-store",
      headers: { "Mundap-Secret": secret },
    })
      .then((response) => response.json())
      .catch(() => {
        throw new Error(CLOSED); // the browser's own words are English
      });
    if (!answer.may) throw new Error(REFUSED);
    const socket = new WebSocket(new URL("kernel", import.meta.url).href.replace("http", "ws"));
    await new Promise((resolve, reject) => {
      socket.addEventListener("open", resolve, { once: true });
      socket.addEventListener("close", () => reject(new Error(CLOSED)), { once: true });
    });
    socket.send(JSON.stringify({ do: "enter", secret }));
    socket.addEventListener("message", ({ data }) => this.hear(JSON.parse(data)));
    socket.addEventListener("close", () => {
      this.socket = null;
      this.lose("closed");
      for (const resolve of this.waiting.values()) resolve({ status: "lost", value: "closed", seconds: 0 });
    });
    this.socket = socket;
  }

  hear(news) {
    const cell = this.cells[news.cell];
    const heard = {
      setup: () => this.say(`코드를 돌릴 환경을 준비하고 있어요. ${news.text.replace("[준비] ", "")}`),
      starting: () => this.say("커널을 여는 중이에요."),
      running: () => this.say(progressText(cell, news)),
      text: () => cell.output.addText(news.text, news.name),
      output: () => cell.output.addMarkup(news.html),
      clear: () => cell.clear(),
      lost: () => this.lose(news.why),
      done: () => this.waiting.get(news.cell)?.(news),
    };
    heard[news.what]?.();
  }

  lose(why) {
    for (const cell of this.cells) cell.ran = null;
    this.say(lostText(why));
  }

  // The cells that have to run for this one: in a notebook everything from the first that the kernel does not know.
  needed(cell) {
    if (!this.isNotebook) return [cell];
    const first = this.cells.find((each) => each.number < cell.number && each.ran !== each.text);
    return this.cells.slice(first ? first.number : cell.number, cell.number + 1);
  }

  /** Run a cell and what it needs, one page's run at a time. */
  async run(cell) {
    if (this.running) {
      this.say(`${this.running.label}: 아직 돌리고 있어요. 끝나거나 중단한 뒤에 다시 눌러 주세요.`);
      return;
    }
    this.running = cell;
    cell.setRunning(true);
    const last = await this.runNeeded(cell).catch((error) => error.message);
    this.running = null;
    cell.setRunning(false);
    this.say(last);
  }

  async runNeeded(cell) {
    if (!this.socket) {
      this.say("서버에 연결하고 있어요.");
      await this.connect();
    }
    const cells = this.needed(cell);
    let seconds = 0;
    let last = "";
    for (const each of cells) {
      const answer = await this.execute(each);
      seconds += answer.seconds;
      last = outcome(each, answer, cells.length, seconds);
      if (answer.status === "ok") continue;
      if (each !== cell) cell.note.textContent = `먼저 돌린 ${each.label}에서 멈췄어요`;
      break;
    }
    return last;
  }

  async execute(cell) {
    const { number, of, text } = cell;
    cell.clear();
    cell.note.textContent = "돌리고 있어요";
    if (this.isNotebook) for (const later of this.cells.slice(number + 1)) later.ran = null; // it may have used this one
    const edits = () => [...this.editsBeside(cell), [cell.original, text]];
    const answer = await new Promise((resolve) => {
      this.waiting.set(number, resolve);
      this.send(of ? { do: "snippet", cell: number, of, edits: edits() } : { do: "run", cell: number, code: text });
    });
    this.waiting.delete(number);
    cell.ran = answer.status === "ok" ? text : null;
    if (["error", "stopped"].includes(answer.status)) cell.fail(answer);
    return answer;
  }

  // The other texts of the same snippet that were edited in this page.
  editsBeside(cell) {
    const others = this.cells.filter((other) => other !== cell && other.of === cell.of && other.isEdited);
    return others.map((other) => [other.original, other.text]);
  }
}

function progressText(cell, { step, steps }) {
  if (steps > 1) return `${cell.label}: snippets/${cell.of}.py의 셀 ${steps}개 가운데 ${step}번째를 돌리고 있어요.`;
  return `${cell.label}: 돌리고 있어요.`;
}

// Show in the cell how its run ended -> the sentence for the panel. count: cells of this press; all: their seconds.
function outcome(cell, { status, name, value, line, seconds }, count, all) {
  const place = line ? ` ${line}번째 줄` : "";
  const text = {
    ok: `${count > 1 ? "앞의 코드부터 모두" : cell.label} 돌렸어요(${all.toFixed(1)}초).`,
    error: `${cell.label}${place}에서 오류가 났어요: ${name}`,
    stopped: `${cell.label}${place}에서 멈췄어요.`,
    lost: lostText(value),
    trouble: value,
  }[status];
  cell.note.textContent = status === "ok" ? `${seconds.toFixed(1)}초` : "";
  if (status === "ok" && cell.output.isEmpty) cell.output.addNothing();
  if (["lost", "trouble"].includes(status)) cell.output.addTrouble(text);
  return text;
}
