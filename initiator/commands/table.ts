// Columns of text, as wide as their longest entry.

/** `head` and `rows` in columns two blanks apart; each line ends with a newline and without blanks. */
export function formatTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const all = [head, ...rows];
  const widths = head.map((_, column) =>
    Math.max(...all.map((row) => Bun.stringWidth(row[column] ?? ""))),
  );
  return all
    .map((row) => {
      const cells = row.map((cell, column) => {
        const width = widths[column] ?? 0;
        return cell + " ".repeat(width - Bun.stringWidth(cell));
      });
      return `${cells.join("  ").trimEnd()}\n`;
    })
    .join("");
}
