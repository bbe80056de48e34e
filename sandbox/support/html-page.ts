/** The few plain pages a player's browser sees at a third party: escaping and one frame for all of them. */
const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => entities[character] ?? character);
}

export function htmlPage(title: string, body: string): string {
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(title)}</title><link rel="icon" href="data:,">
<style>
  body { font: 16px/1.5 system-ui, sans-serif; margin: 0; background: #f3f4f6; color: #111827; }
  main { max-width: 30rem; margin: 8vh auto; background: #fff; padding: 2rem; border-radius: 12px; box-shadow: 0 1px 8px #0002; }
  h1 { font-size: 1.25rem; margin-top: 0; } label { display: block; margin: .75rem 0 .25rem; }
  input { width: 100%; box-sizing: border-box; padding: .5rem; font: inherit; }
  button { font: inherit; padding: .6rem 1.2rem; margin: 1rem .5rem 0 0; border: 0; border-radius: 8px; background: #1d4ed8; color: #fff; cursor: pointer; }
  button.secondary { background: #6b7280; } .note { color: #6b7280; font-size: .875rem; }
</style></head>
<body><main>${body}<p class="note">Sandbox. No real money, no real documents.</p></main></body></html>`;
}
