(function () {
  "use strict";
  var vietnamese = document.documentElement.lang === "vi", mark = vietnamese ? ";" : ",";
  function field(cell) {
    var text = cell.textContent.trim();
    if (/^[=+@\t\r-]/.test(text) && !/^[+-]?[\d.,]+%?$/.test(text)) { text = "'" + text; }
    return '"' + text.replace(/"/g, '""') + '"';
  }
  function lines(table) {
    return [field(table.caption)].concat(Array.prototype.map.call(table.rows, function (row) {
      return Array.prototype.map.call(row.cells, field).join(mark);
    }));
  }
  document.querySelectorAll("figure details").forEach(function (details, at) {
    var tables = details.querySelectorAll("table"), figure = details.parentNode, text = [];
    var title = figure.querySelector("svg title"), head = document.querySelector("h1");
    if (!tables.length || !title) { return; }
    var link = document.createElement("a"), name = location.pathname.split("/").pop().replace(/\.html$/, "");
    link.textContent = vietnamese ? "T\u1ea3i CSV" : "Download CSV";
    link.setAttribute("aria-label", link.textContent + ": " + title.textContent);
    link.download = name + "-" + (at + 1) + ".csv";
    link.className = "csv";
    link.href = "#";
    link.addEventListener("click", function () {
      text = [field(head), field(title)];
      tables.forEach(function (table) { text = text.concat("", lines(table)); });
      link.href = "data:text/csv;charset=utf-8," + encodeURIComponent("\ufeff" + text.join("\r\n") + "\r\n");
    });
    details.insertBefore(link, details.firstChild.nextSibling);
  });
}());
