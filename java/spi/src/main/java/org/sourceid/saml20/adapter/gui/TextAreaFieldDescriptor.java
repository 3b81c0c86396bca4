package org.sourceid.saml20.adapter.gui;

/** A row with several lines of text. */
public class TextAreaFieldDescriptor extends FieldDescriptor {
    private static final long serialVersionUID = 1L;

    private final int rows;
    private final int columns;

    public TextAreaFieldDescriptor(String name, String description, int rows, int columns) {
        super(name, description);
        this.rows = rows;
        this.columns = columns;
    }

    public int getRows() {
        return rows;
    }

    public int getColumns() {
        return columns;
    }
}
