// Shows the copy buttons, which would do nothing without a script, and makes them work.
for (const button of document.querySelectorAll("[data-copy]")) {
  const name = button.textContent;
  const field = document.getElementById(button.dataset.copy);
  button.hidden = false;
  button.addEventListener("click", async () => {
    field.select();
    try {
      await navigator.clipboard.writeText(field.value);
    } catch {
      document.execCommand("copy");
    }
    button.textContent = "Copied";
    setTimeout(() => { button.textContent = name; }, 2000);
  });
}
