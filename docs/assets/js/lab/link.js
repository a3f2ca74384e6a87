// The button that copies the address of what is shown.

const TOLD = 2000; // ms for which the button says what it has done

/** Make a button copy the address. query() -> that of the state, "" where all is as usual. */
export function copiesLink(button, query) {
  const name = button.textContent;
  button.addEventListener("click", async () => {
    const address = new URL(query() || location.pathname, location.href);
    history.replaceState(history.state, "", address);
    const copied = await navigator.clipboard?.writeText(address.href).then(
      () => true,
      () => false,
    );
    button.textContent = copied ? "복사했어요" : "주소창에 있어요";
    setTimeout(() => {
      button.textContent = name;
    }, TOLD);
  });
}
