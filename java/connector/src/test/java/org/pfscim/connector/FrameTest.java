package org.pfscim.connector;

import static org.junit.Assert.assertArrayEquals;
import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertNull;
import static org.junit.Assert.assertThrows;

import java.util.Arrays;
import org.junit.Test;

public class FrameTest {

    @Test
    public void null_and_empty_stay_different() {
        byte[] frame = new Frame.Writer().string(null).string("").bytes(null).bytes(new byte[0]).toBytes();
        Frame.Reader reader = new Frame.Reader(frame);
        assertNull(reader.string());
        assertEquals("", reader.string());
        assertNull(reader.bytes());
        assertArrayEquals(new byte[0], reader.bytes());
        reader.end();
    }

    @Test
    public void half_a_surrogate_pair_is_rejected_not_replaced() {
        for (String half : Arrays.asList("\ud83d", "a\udc00b", "\udc00\ud83d")) {
            assertThrows(NativeException.class, () -> new Frame.Writer().string(half));
        }
    }

    @Test
    public void every_truncated_frame_is_an_error() {
        byte[] frame = new Frame.Writer().u8(1).i64(2).bool(true).string("three").strings(Arrays.asList("4", null))
            .toBytes();
        for (int length = 0; length < frame.length; length++) {
            byte[] truncated = Arrays.copyOf(frame, length);
            assertThrows(NativeException.class, () -> {
                Frame.Reader reader = new Frame.Reader(truncated);
                reader.u8();
                reader.i64();
                reader.bool();
                reader.string();
                reader.strings();
            });
        }
    }

    @Test
    public void an_invalid_frame_is_an_error() {
        assertThrows(NativeException.class, () -> new Frame.Reader(new byte[] {2}));
        assertThrows(NativeException.class, () -> new Frame.Reader(new byte[] {1, 2}).bool());
        assertThrows(NativeException.class, () -> new Frame.Reader(new byte[] {1, 0}).end());
        assertThrows(NativeException.class, () -> new Frame.Reader(new byte[] {1, -1, -1, -1, -2}).bytes());
        assertThrows(NativeException.class, () -> new Frame.Reader(new byte[] {1, 127, -1, -1, -1, 0}).bytes());
        assertThrows(NativeException.class, () -> new Frame.Reader(new byte[] {1, 127, -1, -1, -1, 0}).strings());
        assertThrows(NativeException.class, () -> new Frame.Reader(new byte[] {1, 0, 0, 0, 1, (byte) 0x80}).string());
    }
}
