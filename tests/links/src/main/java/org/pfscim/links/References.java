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

/** Collects the references of one class: types, and members with whether they are used as static. */
final class References extends ClassVisitor {

    /** A field or method of another class, or an inherited one of this class. */
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

        /** Returns the form of the source code, such as {@code com.example.Type.method(int, java.lang.String)}. */
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

    /** Returns the types in a descriptor. */
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

    private void addType(String name) {
        if (name != null) {
            collect(org.objectweb.asm.Type.getObjectType(name), types);
        }
    }

    private void addMember(String owner, String name, String descriptor, boolean isStatic) {
        types.addAll(typesIn(descriptor));
        addType(owner);
        // An array has only the methods of java.lang.Object.
        if (!owner.startsWith("[")) {
            members.add(new Member(owner, name, descriptor, isStatic));
        }
    }

    private void addConstant(Object value) {
        if (value instanceof org.objectweb.asm.Type) {
            collect((org.objectweb.asm.Type) value, types);
        } else if (value instanceof Handle) {
            Handle handle = (Handle) value;
            int tag = handle.getTag();
            boolean isStatic = tag == Opcodes.H_INVOKESTATIC || tag == Opcodes.H_GETSTATIC || tag == Opcodes.H_PUTSTATIC;
            addMember(handle.getOwner(), handle.getName(), handle.getDesc(), isStatic);
        } else if (value instanceof ConstantDynamic) {
            ConstantDynamic dynamic = (ConstantDynamic) value;
            addConstant(dynamic.getBootstrapMethod());
            for (int i = 0; i < dynamic.getBootstrapMethodArgumentCount(); i++) {
                addConstant(dynamic.getBootstrapMethodArgument(i));
            }
        }
    }

    @Override
    public void visit(int version, int flags, String name, String generic, String parent, String[] interfaces) {
        addType(parent);
        for (String implemented : interfaces) {
            addType(implemented);
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
            for (String exception : thrown) {
                addType(exception);
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
            addType(name);
        }

        @Override
        public void visitMultiANewArrayInsn(String descriptor, int dimensions) {
            types.addAll(typesIn(descriptor));
        }

        @Override
        public void visitTryCatchBlock(Label start, Label end, Label handler, String caught) {
            addType(caught);
        }

        @Override
        public void visitFieldInsn(int operation, String owner, String name, String descriptor) {
            addMember(owner, name, descriptor, operation == Opcodes.GETSTATIC || operation == Opcodes.PUTSTATIC);
        }

        @Override
        public void visitMethodInsn(int operation, String owner, String name, String descriptor, boolean isInterface) {
            addMember(owner, name, descriptor, operation == Opcodes.INVOKESTATIC);
        }

        @Override
        public void visitInvokeDynamicInsn(String name, String descriptor, Handle bootstrap, Object... arguments) {
            types.addAll(typesIn(descriptor));
            addConstant(bootstrap);
            for (Object argument : arguments) {
                addConstant(argument);
            }
        }

        @Override
        public void visitLdcInsn(Object value) {
            addConstant(value);
        }
    }
}
