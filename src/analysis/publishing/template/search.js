(function () {
  "use strict";
  var search = document.getElementById("search"), box = document.getElementById("search-box");
  var count = document.getElementById("search-count"), tree = document.getElementById("tree");
  if (!search || !box || !tree) { return; }
  function plain(text) {
    return text.normalize("NFD").replace(/[\u0300-\u036f]/g, "").replace(/[\u0111\u0110]/g, "d").toLowerCase();
  }
  var items = Array.prototype.map.call(tree.getElementsByTagName("li"), function (item) {
    var parent = item.parentNode.closest ? item.parentNode.closest("li") : null, text = "";
    Array.prototype.forEach.call(item.children, function (part) {
      if (part.tagName !== "UL") { text += " " + part.textContent; }
    });
    return { item: item, parent: parent, text: plain(text) };
  });
  function update() {
    var words = plain(box.value).split(/\s+/).filter(Boolean), shown = 0, keep = new Set();
    items.forEach(function (one) {
      if (words.every(function (word) { return one.text.indexOf(word) >= 0; })) {
        shown += 1;
        for (var at = one.item; at && !keep.has(at); at = at.parentNode.closest("li")) { keep.add(at); }
      }
    });
    items.forEach(function (one) { one.item.hidden = !keep.has(one.item); });
    count.textContent = count.dataset.text.replace("{n}", shown).replace("{m}", items.length);
  }
  box.addEventListener("input", update);
  search.hidden = false;
  update();
}());
