package org.pfscim.links;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.objectweb.asm.ClassReader;
import org.objectweb.asm.ClassVisitor;
import org.objectweb.asm.ConstantDynamic;
import org.objectweb.asm.FieldVisitor;
import org.objectweb.asm.Handle;
import org.objectweb.asm.Label;
import org.objectweb.asm.MethodVisitor;
import org.objectweb.asm.Opcodes;

/** What one class refers to: types, and members with the way they are used. */
final class References extends ClassVisitor {

    /** A field or method of another class, or of this one by inheritance. */
    static final class Member {
        final String owner;
        final String name;
        final String descriptor;
        final boolean isStatic;

        Member(String owner, String name, String descriptor, boolean isStatic) {
            this.owner = owner;
            this.name = name;
            this.descriptor = descriptor;
            this.isStatic = isStatic;
        }

        /** As a person would write it: {@code com.example.Type.method(int, java.lang.String)}. */
        @Override
        public String toString() {
            String text = owner.replace('/', '.') + "." + name;
            if (!descriptor.startsWith("(")) {
                return "field " + text + " of type " + org.objectweb.asm.Type.getType(descriptor).getClassName();
            }
            List<String> arguments = new ArrayList<>();
            for (org.objectweb.asm.Type argument : org.objectweb.asm.Type.getArgumentTypes(descriptor)) {
                arguments.add(argument.getClassName());
            }
            return "method " + text + "(" + String.join(", ", arguments) + ") returning "
                + org.objectweb.asm.Type.getReturnType(descriptor).getClassName();
        }
    }

    final Set<String> types = new TreeSet<>();
    final Set<Member> members = new TreeSet<>(Comparator.comparing(Member::toString).thenComparing(m -> m.isStatic));

    private References() {
        super(Opcodes.ASM9);
    }

    static References of(ClassReader reader) {
        References references = new References();
        reader.accept(references, ClassReader.SKIP_DEBUG | ClassReader.SKIP_FRAMES);
        return references;
    }

    /** The types that a descriptor names. */
    static Set<String> typesIn(String descriptor) {
        Set<String> names = new TreeSet<>();
        collect(org.objectweb.asm.Type.getType(descriptor), names);
        return names;
    }

    private static void collect(org.objectweb.asm.Type type, Set<String> names) {
        switch (type.getSort()) {
            case org.objectweb.asm.Type.METHOD:
                collect(type.getReturnType(), names);
                for (org.objectweb.asm.Type argument : type.getArgumentTypes()) {
                    collect(argument, names);
                }
                break;
            case org.objectweb.asm.Type.ARRAY:
                collect(type.getElementType(), names);
                break;
            case org.objectweb.asm.Type.OBJECT:
                names.add(type.getInternalName());
                break;
            default:
                break;
        }
    }

    private void type(String name) {
        if (name != null) {
            collect(org.objectweb.asm.Type.getObjectType(name), types);
        }
    }

    private void member(String owner, String name, String descriptor, boolean isStatic) {
        types.addAll(typesIn(descriptor));
        type(owner);
        // The methods of an array are those of every object.
        if (!owner.startsWith("[")) {
            members.add(new Member(owner, name, descriptor, isStatic));
        }
    }

    private void constant(Object value) {
        if (value instanceof org.objectweb.asm.Type) {
            collect((org.objectweb.asm.Type) value, types);
        } else if (value instanceof Handle) {
            Handle handle = (Handle) value;
            int tag = handle.getTag();
            boolean isStatic = tag == Opcodes.H_INVOKESTATIC || tag == Opcodes.H_GETSTATIC || tag == Opcodes.H_PUTSTATIC;
            member(handle.getOwner(), handle.getName(), handle.getDesc(), isStatic);
        } else if (value instanceof ConstantDynamic) {
            ConstantDynamic dynamic = (ConstantDynamic) value;
            constant(dynamic.getBootstrapMethod());
            for (int i = 0; i < dynamic.getBootstrapMethodArgumentCount(); i++) {
                constant(dynamic.getBootstrapMethodArgument(i));
            }
        }
    }

    @Override
    public void visit(int version, int flags, String name, String generic, String parent, String[] interfaces) {
        type(parent);
        for (String each : interfaces) {
            type(each);
        }
    }

    @Override
    public FieldVisitor visitField(int flags, String name, String descriptor, String generic, Object value) {
        types.addAll(typesIn(descriptor));
        return null;
    }

    @Override
    public MethodVisitor visitMethod(int flags, String name, String descriptor, String generic, String[] thrown) {
        types.addAll(typesIn(descriptor));
        if (thrown != null) {
            for (String each : thrown) {
                type(each);
            }
        }
        return new Code();
    }

    private final class Code extends MethodVisitor {
        Code() {
            super(Opcodes.ASM9);
        }

        @Override
        public void visitTypeInsn(int operation, String name) {
            type(name);
        }

        @Override
        public void visitMultiANewArrayInsn(String descriptor, int dimensions) {
            types.addAll(typesIn(descriptor));
        }

        @Override
        public void visitTryCatchBlock(Label start, Label end, Label handler, String caught) {
            type(caught);
        }

        @Override
        public void visitFieldInsn(int operation, String owner, String name, String descriptor) {
            member(owner, name, descriptor, operation == Opcodes.GETSTATIC || operation == Opcodes.PUTSTATIC);
        }

        @Override
        public void visitMethodInsn(int operation, String owner, String name, String descriptor, boolean isInterface) {
            member(owner, name, descriptor, operation == Opcodes.INVOKESTATIC);
        }

        @Override
        public void visitInvokeDynamicInsn(String name, String descriptor, Handle bootstrap, Object... arguments) {
            types.addAll(typesIn(descriptor));
            constant(bootstrap);
            for (Object argument : arguments) {
                constant(argument);
            }
        }

        @Override
        public void visitLdcInsn(Object value) {
            constant(value);
        }
    }
}
