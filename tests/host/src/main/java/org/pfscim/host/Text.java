package org.pfscim.host;

/** Makes external text printable on one line. */
final class Text {
    private Text() {
    }

    /** Returns whether the text has no control characters and no line or paragraph separators. */
    static boolean isOneLine(String text) {
        return text.chars().noneMatch(Text::breaksLine);
    }

    /** Returns the text with an escape for each character that would break the line. */
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
