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
 * Writes and reads the frames that cross the boundary between Java and Rust.
 * Does not know: what the values mean.
 *
 * <p>{@code frame.rs} is the other half and describes the layout.
 *
 * <p>Text with half of a surrogate pair is rejected. Java would replace the half by a question mark, and the result could be
 * the identifier of another user.
 */
final class Frame {

    private static final byte VERSION = 1;

    private Frame() {
    }

    /** Writes values into a frame. */
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
                throw new NativeException("a value contains half of a surrogate pair, which is not text; correct the value in the source");
            }
        }

        <T> Writer list(Collection<T> items, BiConsumer<Writer, T> writeItem) {
            length(items.size());
            items.forEach(item -> writeItem.accept(this, item));
            return this;
        }

        Writer strings(Collection<String> items) {
            return list(items, Writer::string);
        }

        <T> Writer map(Map<String, T> map, BiConsumer<Writer, T> writeValue) {
            return list(map.entrySet(),
                (writer, entry) -> writeValue.accept(writer.string(entry.getKey()), entry.getValue()));
        }

        private Writer length(int length) {
            return raw(ByteBuffer.allocate(4).putInt(length).array());
        }

        private Writer raw(byte[] bytes) {
            frame.write(bytes, 0, bytes.length);
            return this;
        }
    }

    /** Reads values from a frame, in the order in which they were written. */
    static final class Reader {

        private final ByteBuffer remaining;

        Reader(byte[] frame) {
            remaining = ByteBuffer.wrap(frame);
            int version = u8();
            if (version != VERSION) {
                throw malformed("its version is " + version + ", not " + VERSION);
            }
        }

        int u8() {
            return readFixed(ByteBuffer::get) & 0xff;
        }

        long i64() {
            return readFixed(ByteBuffer::getLong);
        }

        boolean bool() {
            int value = u8();
            if (value > 1) {
                throw malformed("it contains " + value + " as a boolean");
            }
            return value == 1;
        }

        /** @return null if null was written */
        byte[] bytes() {
            int length = readFixed(ByteBuffer::getInt);
            if (length == -1) {
                return null;
            }
            byte[] value = new byte[checkedLength(length)];
            remaining.get(value);
            return value;
        }

        /** @return null if null was written */
        String string() {
            byte[] value = bytes();
            try {
                return value == null ? null : StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(value)).toString();
            } catch (CharacterCodingException e) {
                throw malformed("it contains text that is not UTF-8");
            }
        }

        <T> List<T> list(Function<Reader, T> readItem) {
            int count = checkedLength(readFixed(ByteBuffer::getInt));
            List<T> items = new ArrayList<>();
            for (int i = 0; i < count; i++) {
                items.add(readItem.apply(this));
            }
            return items;
        }

        List<String> strings() {
            return list(Reader::string);
        }

        <T> Map<String, T> map(Function<Reader, T> readValue) {
            Map<String, T> map = new LinkedHashMap<>();
            list(reader -> map.put(reader.string(), readValue.apply(reader)));
            return map;
        }

        /** Checks that all bytes of the frame were read. */
        void end() {
            if (remaining.hasRemaining()) {
                throw malformed(remaining.remaining() + " bytes follow its last value");
            }
        }

        private <T> T readFixed(Function<ByteBuffer, T> get) {
            try {
                return get.apply(remaining);
            } catch (BufferUnderflowException e) {
                throw malformed("it ends in the middle of a value");
            }
        }

        /** Checks a length before memory is allocated for it. Each item of a list has one byte or more. */
        private int checkedLength(int length) {
            if (length < 0) {
                throw malformed("it contains the negative length " + length);
            }
            if (length > remaining.remaining()) {
                throw malformed("it ends in the middle of a value");
            }
            return length;
        }

        private static NativeException malformed(String reason) {
            return new NativeException("the frame is malformed: " + reason);
        }
    }
}
