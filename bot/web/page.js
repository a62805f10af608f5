// What the page does in the browser itself: a chosen file is read here and handed over inside a request, so that the
// server never has it as a file; and the download is made here of what the server answered.

window.vibecheck = {
  // The chosen file as JSON for bot/web/handed.py, or "" without one; of a large one only the first `most` bytes.
  file: async (most = Infinity, whole = 16 * 2 ** 20) => {
    const input = document.getElementById("vc-file");
    const file = input && input.files[0];
    if (!file) return "";
    const blob = file.slice(0, file.size > whole ? 1024 : most);
    const url = await new Promise((resolve, reject) => {
      const reader = new FileReader();
      reader.onload = () => resolve(reader.result);
      reader.onerror = () => reject(reader.error);
      reader.readAsDataURL(blob);
    }).catch(() => "");
    return JSON.stringify({ name: file.name, size: file.size, data: url.slice(url.indexOf(",") + 1) });
  },

  forget: () => {
    const input = document.getElementById("vc-file");
    if (input) input.value = "";
  },

  // A spreadsheet takes a file for UTF-8 when it begins with the mark.
  download: (csv) => {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob(["\ufeff", csv], { type: "text/csv;charset=utf-8" }));
    link.download = "vibecheck.csv";
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60000);
  },

  // Answers are spoken by screen readers when they change.
  live: () => {
    for (const id of ["vc-answer", "vc-batch", "vc-compared"]) {
      const place = document.getElementById(id);
      if (place) place.setAttribute("aria-live", "polite");
    }
  },
};
