/** Model, mode and effort of the next prompt. */
import type { State, ToView } from '../../shared/messages';
import { EFFORTS } from '../../shared/vocabulary';
import { element } from '../dom';
import { post } from '../host';
import { oneLine } from '../visible';
import { modeOption } from './modes';
import type { Option } from './optionList';
import { Picker } from './picker';

type Capabilities = Extract<ToView, { type: 'capabilities' }>;

/** Offered until the server has told all of them. */
const FIRST_MODES: readonly string[] = ['default', 'acceptEdits', 'plan'];
/** Stands for "nothing chosen" in a list. */
const NONE = '';

export class Choices {
  readonly element: HTMLElement;
  private readonly mode = new Picker('Mode', (mode) => post({ type: 'choose', mode }), () => this.want());
  private readonly model = new Picker(
    'Model',
    (model) => post({ type: 'choose', model: model === NONE ? null : model }),
    () => this.want(),
  );
  private readonly effort = new Picker(
    'Effort',
    (effort) => post({ type: 'choose', effort: effort === NONE ? null : effort }),
    () => this.want(),
  );
  private capabilities: Capabilities | undefined;
  private state: Pick<State, 'mode' | 'model' | 'effort'> | undefined;

  constructor() {
    this.element = element('div', { class: 'choices' }, this.mode.element, this.model.element, this.effort.element);
  }

  show(state: State): void {
    this.state = state;
    for (const picker of [this.mode, this.model, this.effort]) {
      picker.disabled = !state.trusted;
    }
    this.refresh();
  }

  offer(capabilities: Capabilities): void {
    this.capabilities = capabilities;
    this.refresh();
  }

  private want(): void {
    if (this.capabilities === undefined) {
      post({ type: 'wantCapabilities' });
    }
  }

  private refresh(): void {
    if (this.state === undefined) {
      return;
    }
    const { mode, model = NONE, effort = NONE } = this.state;
    const modes = including(mode, this.capabilities?.modes ?? FIRST_MODES);
    this.mode.show(modes.map(modeOption), mode);
    this.model.show(this.models(model), model);
    const efforts = including(effort, [NONE, ...(this.capabilities?.efforts ?? EFFORTS)]);
    this.effort.show(efforts.map(effortOption), effort);
  }

  private models(chosen: string): Option[] {
    const known = (this.capabilities?.models ?? []).map(({ value, displayName, description }) => ({
      value: value === 'default' ? NONE : value,
      label: oneLine(displayName, 60),
      description: description && oneLine(description),
    }));
    const hasDefault = known.some(({ value }) => value === NONE);
    const first = hasDefault ? [] : [{ value: NONE, label: 'Default model' }];
    const models = [...first, ...known].map((each) =>
      each.value === NONE ? { ...each, label: 'Default model' } : each,
    );
    const missing = models.every(({ value }) => value !== chosen);
    return missing ? [...models, { value: chosen, label: oneLine(chosen, 60) }] : models;
  }
}

/** What is chosen is always among what can be chosen. */
function including(chosen: string, known: readonly string[]): readonly string[] {
  return known.includes(chosen) ? known : [...known, chosen];
}

function effortOption(value: string): Option {
  const label = value === NONE ? 'Default effort' : `${value.charAt(0).toUpperCase()}${value.slice(1)} effort`;
  return { value, label: oneLine(label, 40) };
}
