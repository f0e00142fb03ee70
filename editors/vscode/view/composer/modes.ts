/** What the agent may do without asking, as it is shown. */
import { PERMISSION_MODES } from '../../shared/vocabulary';
import { oneLine } from '../visible';
import type { Option } from './optionList';

const ICONS: Readonly<Record<string, string>> = {
  default: 'shield',
  acceptEdits: 'edit',
  plan: 'checklist',
  dontAsk: 'circle-slash',
  auto: 'robot',
  bypassPermissions: 'warning',
};
const KNOWN: Readonly<Record<string, { label: string; about: string } | undefined>> = PERMISSION_MODES;

/** Returns a mode as an option; the icon has its colour by `data-value`. */
export function modeOption(value: string): Option {
  const { label, about } = KNOWN[value] ?? { label: oneLine(value, 40), about: undefined };
  return { value, label, description: about, icon: ICONS[value] };
}

/** Returns in a sentence what the agent does in a mode; empty for one that nobody knows. */
export function aboutMode(value: string): string {
  const about = KNOWN[value]?.about;
  return about === undefined ? '' : `It ${about.charAt(0).toLowerCase()}${about.slice(1)}.`;
}
