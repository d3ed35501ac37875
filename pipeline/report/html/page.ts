import { Markup, html } from "./markup.js";
import { style } from "./style.js";

/** A whole page that fetches nothing and runs nothing, whatever is in it. */
export function page(title: string, header: Markup, body: Markup, footer: Markup): string {
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <title>${title}</title>
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'" />
        <meta name="referrer" content="no-referrer" />
        <style>
          ${new Markup(style)}
        </style>
      </head>
      <body>
        <header>${header}</header>
        <main>${body}</main>
        <footer>${footer}</footer>
      </body>
    </html> `.text;
}
