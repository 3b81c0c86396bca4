package org.pfscim.host;

/** Text from elsewhere, made fit for a line. */
final class Text {
    private Text() {
    }

    /** Whether it stays on its line: no control characters and no line or paragraph separators. */
    static boolean isOneLine(String text) {
        return text.chars().noneMatch(Text::breaksLine);
    }

    /** The text with every character that would break its line written as an escape. */
    static String oneLine(String text) {
        StringBuilder line = new StringBuilder();
        text.chars().forEach(c -> {
            if (breaksLine(c)) {
                line.append(String.format("\\u%04x", c));
            } else {
                line.append((char) c);
            }
        });
        return line.toString();
    }

    private static boolean breaksLine(int c) {
        return Character.isISOControl(c) || c == '\u2028' || c == '\u2029';
    }
}
