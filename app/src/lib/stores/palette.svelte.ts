/** Whether the palette is open; any screen may open it. */
class PaletteState {
  open = $state(false);
}

export const palette = new PaletteState();
