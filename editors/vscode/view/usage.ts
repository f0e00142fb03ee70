/** How full the context is, and what the conversation has cost. */
import type { Run } from '../shared/protocol';
import { element } from './dom';
import { money, tokens } from './figures';

const FULL = 0.8;
const CIRCUMFERENCE = 31.4;

export interface Usage {
  readonly contextTokens: number;
  readonly contextWindow: number;
  readonly costUsd: number;
}

export class UsageLine {
  readonly element = element('div', { class: 'usage' });
  private readonly meter = element('div', {
    class: 'context-meter',
    role: 'meter',
    'aria-label': 'Context used',
    'aria-valuemin': '0',
    'aria-valuemax': '100',
  });
  private readonly ring = ring();
  private readonly share = element('span');
  private readonly cost = element('span', { class: 'cost' });
  private before = 0;

  constructor() {
    this.meter.append(this.ring, this.share);
    this.element.append(this.meter, this.cost);
    this.clear();
  }

  /** Another conversation is shown. */
  clear(): void {
    this.before = 0;
    this.meter.hidden = true;
    this.element.hidden = true;
    this.cost.textContent = '';
  }

  /** What the run that is going on has used up to now. */
  show({ contextTokens, contextWindow, costUsd }: Usage): void {
    this.element.hidden = false;
    this.spent(this.before + costUsd);
    if (contextWindow <= 0) {
      return;
    }
    const share = Math.min(1, contextTokens / contextWindow);
    const percent = Math.round(share * 100);
    const whole = `${tokens(contextTokens)} of ${tokens(contextWindow)} tokens of context used`;
    this.meter.hidden = false;
    this.meter.title = whole;
    this.meter.setAttribute('aria-valuenow', String(percent));
    this.meter.setAttribute('aria-valuetext', `${percent} %, ${whole}`);
    this.meter.classList.toggle('full', share >= FULL);
    this.ring.style.setProperty('--used', String(share * CIRCUMFERENCE));
    this.share.textContent = `${percent} % of context`;
  }

  /** What the run has cost stays. */
  ended({ costUsd }: Run): void {
    this.before += costUsd;
    this.spent(this.before);
  }

  private spent(usd: number): void {
    this.cost.textContent = usd > 0 ? money(usd) : '';
    this.cost.title = 'Cost since this conversation was opened';
  }
}

function ring(): SVGElement {
  const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
  svg.setAttribute('viewBox', '0 0 14 14');
  svg.setAttribute('aria-hidden', 'true');
  for (const name of ['track', 'used']) {
    const circle = document.createElementNS('http://www.w3.org/2000/svg', 'circle');
    for (const [key, value] of Object.entries({ cx: '7', cy: '7', r: '5', class: name })) {
      circle.setAttribute(key, value);
    }
    svg.append(circle);
  }
  return svg;
}
