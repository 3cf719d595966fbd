/* The board of business context: a card dropped on a column is the form's submission for this one card. */
(() => {
  const form = document.querySelector("[data-board]");
  if (!form) return;
  let dragged = null;
  form.addEventListener("dragstart", (event) => {
    dragged = event.target.closest("[data-board-card]");
    if (dragged) event.dataTransfer.setData("text/plain", dragged.dataset.boardCard);
  });
  form.addEventListener("dragend", () => {
    dragged = null;
    form.querySelectorAll(".board-column--over").forEach((column) => column.classList.remove("board-column--over"));
  });
  form.querySelectorAll("[data-board-column]").forEach((column) => {
    column.addEventListener("dragover", (event) => {
      if (!dragged || column.contains(dragged)) return;
      event.preventDefault();
      column.classList.add("board-column--over");
    });
    column.addEventListener("dragleave", (event) => {
      if (!column.contains(event.relatedTarget)) column.classList.remove("board-column--over");
    });
    column.addEventListener("drop", (event) => {
      if (!dragged) return;
      event.preventDefault();
      form.querySelectorAll("[name=resource]").forEach((box) => { box.checked = box.value === dragged.dataset.boardCard; });
      form.elements.value.value = column.dataset.boardColumn;
      form.requestSubmit();
    });
  });
})();
