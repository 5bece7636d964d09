(function () {
  "use strict";
  var tools = document.getElementById("heat-tools"), tables = document.querySelectorAll("table.heat");
  if (!tools || !tables.length) { return; }
  var say = tools.dataset, rows = [];
  function plain(text) {
    return text.normalize("NFD").replace(/[\u0300-\u036f]/g, "").replace(/[\u0111\u0110]/g, "d").toLowerCase();
  }
  function make(name, parent, text) {
    var one = document.createElement(name);
    if (text) { one.textContent = text; }
    parent.appendChild(one);
    return one;
  }
  var find = make("input", make("label", tools, say.find + " ")), wanted = make("select", make("label", tools, say.status + " "));
  var count = make("output", tools);
  find.type = "search"; find.autocomplete = "off"; find.spellcheck = false;
  count.setAttribute("aria-live", "polite");
  make("option", wanted, say.all).value = "";
  say.statuses.split(";").forEach(function (pair) {
    make("option", wanted, pair.slice(2)).value = pair[0];
  });
  function update() {
    var words = plain(find.value).split(/\s+/).filter(Boolean), shown = 0;
    rows.forEach(function (one) {
      var keep = words.every(function (word) { return one.name.indexOf(word) >= 0; }) &&
        (!wanted.value || one.row.getElementsByClassName(wanted.value).length > 0);
      one.row.hidden = !keep;
      shown += keep ? 1 : 0;
    });
    tables.forEach(function (table) {
      table.parentNode.hidden = !table.tBodies[0].querySelector("tr:not([hidden])");
    });
    count.textContent = say.count.replace("{n}", shown).replace("{m}", rows.length);
  }
  var order = "xulrnthm";
  function value(row, at) {
    var cell = row.cells[at];
    if (!at) { return plain(cell.textContent); }
    if (cell === row.lastChild) { return parseInt(cell.textContent, 10) / parseInt(cell.textContent.split("/")[1], 10); }
    return order.indexOf(cell.className) < 0 ? 99 : order.indexOf(cell.className);
  }
  function sortable(table) {
    var heads = table.tHead.rows[0].cells, body = table.tBodies[0];
    [...body.rows].forEach(function (row) {
      [...row.cells].forEach(function (cell) {
        if (cell.tagName === "TD" && !cell.className && cell !== row.lastChild) { cell.className = row.className; }
      });
    });
    [...heads].forEach(function (head, at) {
      var key = document.getElementById("t-" + head.textContent), button = document.createElement("button");
      button.type = "button";
      button.title = say.sort.replace("{column}", key ? key.nextSibling.textContent : head.textContent);
      var paper = document.createElement("span"); // a browser repeats a printed table's head without its buttons
      paper.className = "paper";
      while (head.firstChild) { paper.appendChild(head.firstChild); }
      [...paper.childNodes].forEach(function (one) { button.appendChild(one.cloneNode(true)); });
      head.append(button, paper);
      button.addEventListener("click", function () {
        var up = head.getAttribute("aria-sort") !== "ascending";
        [...heads].forEach(function (one) { one.removeAttribute("aria-sort"); });
        head.setAttribute("aria-sort", up ? "ascending" : "descending");
        [...body.rows].map(function (row, place) {
          return { row: row, value: value(row, at), place: place };
        }).sort(function (a, b) {
          if (a.value === b.value) { return a.place - b.place; }
          return (a.value < b.value ? -1 : 1) * (up ? 1 : -1);
        }).forEach(function (one) { body.appendChild(one.row); });
      });
    });
    [...body.rows].forEach(function (row) {
      if (row.cells[0].tagName === "TH") { rows.push({ row: row, name: plain(row.cells[0].textContent) }); }
    });
  }
  tables.forEach(sortable);
  find.addEventListener("input", update);
  wanted.addEventListener("change", update);
  tools.hidden = false;
  update();
}());
