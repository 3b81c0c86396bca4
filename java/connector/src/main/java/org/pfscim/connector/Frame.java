package org.pfscim.connector;

import java.io.ByteArrayOutputStream;
import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.BiConsumer;
import java.util.function.Function;

/**
 * The frame codec: how values cross the boundary. Its other half is {@code frame.rs}, which describes the layout; it knows
 * shapes, not meanings.
 *
 * <p>Text with half a surrogate pair in it is no text and is refused: replaced by a question mark, as Java likes to do, it
 * could become the name of somebody else.
 */
final class Frame {

    private static final byte VERSION = 1;

    private Frame() {
    }

    /** Puts values into a frame. */
    static final class Writer {

        private final ByteArrayOutputStream frame = new ByteArrayOutputStream(256);

        Writer() {
            frame.write(VERSION);
        }

        byte[] toBytes() {
            return frame.toByteArray();
        }

        Writer u8(int value) {
            frame.write(value);
            return this;
        }

        Writer i64(long value) {
            return raw(ByteBuffer.allocate(8).putLong(value).array());
        }

        Writer bool(boolean value) {
            return u8(value ? 1 : 0);
        }

        /** @param value may be null */
        Writer bytes(byte[] value) {
            return value == null ? length(-1) : length(value.length).raw(value);
        }

        /** @param value may be null */
        Writer string(String value) {
            if (value == null) {
                return bytes(null);
            }
            try {
                ByteBuffer encoded = StandardCharsets.UTF_8.newEncoder().encode(CharBuffer.wrap(value));
                byte[] exact = new byte[encoded.remaining()];
                encoded.get(exact);
                return bytes(exact);
            } catch (CharacterCodingException e) {
                throw new NativeException("a value holds half a surrogate pair, which is no text");
            }
        }

        <T> Writer list(Collection<T> items, BiConsumer<Writer, T> put) {
            length(items.size());
            items.forEach(item -> put.accept(this, item));
            return this;
        }

        Writer strings(Collection<String> items) {
            return list(items, Writer::string);
        }

        <T> Writer map(Map<String, T> map, BiConsumer<Writer, T> put) {
            return list(map.entrySet(), (writer, entry) -> put.accept(writer.string(entry.getKey()), entry.getValue()));
        }

        private Writer length(int length) {
            return raw(ByteBuffer.allocate(4).putInt(length).array());
        }

        private Writer raw(byte[] bytes) {
            frame.write(bytes, 0, bytes.length);
            return this;
        }
    }

    /** Takes values out of a frame, in the order in which they were put in. */
    static final class Reader {

        private final ByteBuffer rest;

        Reader(byte[] frame) {
            rest = ByteBuffer.wrap(frame);
            int version = u8();
            if (version != VERSION) {
                throw malformed("it has version " + version + " instead of " + VERSION);
            }
        }

        int u8() {
            return fixed(ByteBuffer::get) & 0xff;
        }

        long i64() {
            return fixed(ByteBuffer::getLong);
        }

        boolean bool() {
            int value = u8();
            if (value > 1) {
                throw malformed("it holds the boolean " + value);
            }
            return value == 1;
        }

        /** @return null where null was put in */
        byte[] bytes() {
            int length = fixed(ByteBuffer::getInt);
            if (length == -1) {
                return null;
            }
            byte[] value = new byte[within(length)];
            rest.get(value);
            return value;
        }

        /** @return null where null was put in */
        String string() {
            byte[] value = bytes();
            try {
                return value == null ? null : StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(value)).toString();
            } catch (CharacterCodingException e) {
                throw malformed("it holds text that is not UTF-8");
            }
        }

        <T> List<T> list(Function<Reader, T> item) {
            int count = within(fixed(ByteBuffer::getInt));
            List<T> items = new ArrayList<>();
            for (int i = 0; i < count; i++) {
                items.add(item.apply(this));
            }
            return items;
        }

        List<String> strings() {
            return list(Reader::string);
        }

        <T> Map<String, T> map(Function<Reader, T> value) {
            Map<String, T> map = new LinkedHashMap<>();
            list(reader -> map.put(reader.string(), value.apply(reader)));
            return map;
        }

        /** Closes the frame: nothing may be left in it. */
        void end() {
            if (rest.hasRemaining()) {
                throw malformed(rest.remaining() + " bytes follow its last value");
            }
        }

        private <T> T fixed(Function<ByteBuffer, T> get) {
            try {
                return get.apply(rest);
            } catch (BufferUnderflowException e) {
                throw malformed("it ends in the middle of a value");
            }
        }

        /** Checks a length before memory is taken for it: every item of a list takes a byte at least. */
        private int within(int length) {
            if (length < 0) {
                throw malformed("it holds the length " + length);
            }
            if (length > rest.remaining()) {
                throw malformed("it ends in the middle of a value");
            }
            return length;
        }

        private static NativeException malformed(String how) {
            return new NativeException("the frame is malformed: " + how);
        }
    }
}
