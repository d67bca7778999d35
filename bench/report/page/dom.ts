// The little of a browser that the page uses, as types. The DOM's own library would declare its globals for
// the whole program, in which there is no browser.

export interface PageNode {
  textContent: string | null;
}

export interface PageElement extends PageNode {
  readonly clientWidth: number;
  className: string;
  id: string;
  open?: boolean;
  append(...children: (PageNode | string)[]): void;
  replaceChildren(...children: (PageNode | string)[]): void;
  setAttribute(name: string, value: string): void;
}

export interface PageDocument {
  title: string;
  readonly head: PageElement;
  getElementById(id: string): PageElement | null;
  createElement(name: string): PageElement;
  createElementNS(space: string, name: string): PageElement;
  querySelectorAll(selector: string): Iterable<PageElement>;
}

export interface PageWindow {
  readonly document: PageDocument;
  addEventListener(event: "beforeprint" | "afterprint", listener: () => void): void;
  readonly ResizeObserver: new (listener: () => void) => { observe(element: PageElement): void };
}
